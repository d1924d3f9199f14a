"""Broken implementations are named rightly: of each of these the cause that it declares must be told, and no other."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from inside import checked_inside

from conformance.plugin.target import Target
from conformance.running import explain
from conformance.running.profile import PROFILES
from conformance.running.run import Options
from implementations.broken.base import Broken, every

MUTANTS = every()
FUNCTIONS = {mutant.name: mutant for mutant in MUTANTS.values() if mutant.module.startswith("implementations.broken.functions")}
QUICK = dataclasses.replace(PROFILES["quick"], most_failures=2)

NAMED = (
    "conv2d_flipped",
    "conv3d_flipped_depth",
    "conv2d_transposed",
    "conv2d_stride_of_axis_0",
    "conv3d_strides_exchanged",
    "conv3d_pads_exchanged",
    "conv2d_pad_ends_exchanged",
    "conv2d_edge_padding",
    "conv1d_no_dilation",
    "conv2d_dilation_of_two",
    "conv3d_padded_in_front",
    "conv1d_start_off_by_one",
    "conv2d_first_group",
    "conv1d_groups_interleaved",
    "conv3d_group_outputs_permuted",
    "conv2d_third_group",
    "conv2d_no_bias",
    "conv3d_no_bias_in_groups",
    "conv1d_bias_doubled",
    "conv2d_bias_by_item",
    "conv2d_bias_by_channel",
    "conv1d_bias_by_group",
    "conv2d_bias_along_width",
    "conv2d_bias_in_half",
    "conv2d_columns_over_64",
    "conv2d_in_half",
    "conv1d_in_bfloat16",
    "conv2d_double_inputs_in_single",
    "max_pool1d_double_maxima_in_single",
    "max_pool2d_compares_bits",
    "max_pool2d_drops_nan",
    "max_pool3d_greater_than",
    "max_pool1d_pads_with_zero",
    "max_pool2d_starts_at_lowest",
    "max_pool3d_pads_with_lowest",
    "avg_pool2d_nanmean",
    "conv1d_raw_weights",
    "avg_pool3d_negative_strides",
    "conv2d_previous_result",
    "max_pool2d_last_tie",
    "max_pool1d_local_indices",
    "max_pool2d_indices_of_tensor",
    "max_pool1d_no_ceil",
    "avg_pool2d_include_ignored",
    "avg_pool2d_divisor_ignored",
    "avg_pool2d_overhang_counts",
    "max_pool2d_by_magnitude",
    "adaptive:ends_floored",
    "adaptive:fixed_stride",
    "adaptive:strided_average",
    "adaptive:index_in_window",
    "adaptive:index_of_other_axes",
    "adaptive:adaptive_without_nan",
    "adaptive:adaptive_overwritten",
    "adaptive:adaptive_first_kept",
    "adaptive:adaptive_gradient_by_ratio",
    "adaptive:adaptive_second_at_place",
    "adaptive:put_to_first",
    "adaptive:unpool_gradient_of_other_channel",
    "adaptive:unpool_gradient_at_start",
    "adaptive:unpool_second_magnitude",
    "borders:symmetric",
    "borders:replicated_zeros",
    "borders:circular_wrong_way",
    "borders:circular_ignored",
    "borders:mode_of_last_axis",
    "borders:crop_ignored",
    "gradients:unflipped",
    "gradients:unflipped_rows",
    "gradients:padding_without_dilation",
    "gradients:aligned_at_end",
    "gradients:kernels_of_first_group",
    "gradients:reflection_dropped",
    "gradients:kernel_not_conjugated",
    "gradients:interleaved_groups",
    "gradients:mean_over_batch",
    "gradients:pad_ends_exchanged",
    "gradients:first_item",
    "gradients:mean_over_places",
    "gradients:second_without_dilation",
    "gradients:second_flipped",
    "gradients:second_conjugated",
    "gradients:second_of_first_channels",
    "poolings:gradient_to_all_ties",
    "poolings:gradient_to_last_tie",
    "poolings:gradient_overwritten",
    "poolings:gradient_with_padding",
    "poolings:gradient_of_lowest_lost",
    "poolings:index_of_lowest",
    "poolings:second_selects_itself",
    "poolings:second_of_first_channel",
    "poolings:average_overwritten",
    "poolings:second_divided_twice",
    "poolings:rootless",
    "poolings:infinite_as_two",
    "poolings:whole_norm",
    "poolings:mean_of_powers",
    "quantised:zero_point_ignored",
    "quantised:zero_point_added",
    "quantised:zero_point_of_first",
    "quantised:padding_of_zero",
    "quantised:halves_up",
    "quantised:cut_off",
    "quantised:results_wrap",
    "quantised:bias_unscaled",
    "layouts:batch_axis_kept",
    "layouts:quantised_weights_without_strides",
    "transposed:flipped",
    "transposed:cut_at_end",
    "transposed:bias_by_item",
    "transposed:overwritten",
    "conv2d_stride_times_dilation",
    "conv2d_last_row_at_end",
    "conv2d_width_of_first_axis",
    "conv2d_depthwise_channels_last",
    "conv2d_depthwise_bias_alone",
    "max_pool1d_clipped_out_of_step",
    "max_pool3d_kernel_of_axis_0",
    "avg_pool1d_whole_reciprocal",
    "avg_pool2d_default_stride",
    "conv3d_clips_infinity",
    "avg_pool1d_band_matrix",
    "conv2d_masks_by_product",
    "avg_pool1d_running_sum",
    "avg_pool2d_integral_image",
    "conv2d_biased_rounding",
    "conv2d_drops_small_terms",
    "avg_pool2d_short_division",
    "conv2d_quarter_squares",
    "conv2d_mean_taken_off",
    "adaptive:bounds_of_last",
    "adaptive:starts_raised",
    "adaptive:sixty_four_taps",
    "adaptive:default_output_size",
    "adaptive:unpool_second_fitted",
    "borders:reflection_of_two",
    "gradients:depth_of_output",
    "gradients:replication_overwritten",
    "gradients:crop_repeated",
    "gradients:last_row_of_depthwise",
    "gradients:not_cropped",
    "gradients:halves_overwritten",
    "gradients:summed_over_rows",
    "numerics:subnormals_flushed",
    "numerics:bias_grad_rounded_down",
    "numerics:weight_grad_of_short_inputs",
    "poolings:gradient_of_first_dilation",
    "poolings:gradient_at_offset",
    "quantised:pairs_saturate",
    "transposed:padding_exchanged",
    "transposed:last_dilation_ignored",
    "transposed:groups_for_dilation",
    "transposed:flip_of_group_channels",
    "transposed:weight_grad_without_padding",
    "transposed:output_padding_in_front",
    "transposed:output_padding_of_zeros",
    "transposed:output_padding_repeated",
    "transposed:output_padding_without_bias",
    "transposed:input_grad_without_output_padding",
    "transposed:bias_grad_without_output_padding",
    "types:half_clipped",
    "types:half_flushed",
    "types:long_through_double",
    "types:whole_in_single",
    "types:whole_maxima_in_single",
    "types:signed_as_unsigned",
    "types:tensor_cores",
    "types:wide_result_rounded",
    "types:brain_square_root",
    "types:brain_cut_off",
)


def mutant_of(name: str) -> Broken:
    return MUTANTS.get(name) or FUNCTIONS[name]


def target_of(name: str) -> Target:
    mutant = mutant_of(name)
    return Target(mutant.target, operators=mutant.operators[:1], no_claim=("accepted",))


@pytest.mark.parametrize("name", NAMED)
def test_a_broken_implementation_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "_DIAGNOSE_TOTAL", 40.0)  # what is told must not depend on how busy the machine is
    result = checked_inside(target_of(name), Options(QUICK), monkeypatch, diagnose_seconds=20.0)
    told = [finding.hypothesis for finding in result.findings if finding.hypothesis]
    assert told, [(finding.kind, finding.message) for finding in result.findings]
    assert set(told) <= set(mutant_of(name).causes)


def test_there_are_enough_of_them() -> None:
    assert len(NAMED) >= 160
