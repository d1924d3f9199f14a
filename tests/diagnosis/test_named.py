"""Broken implementations are named rightly: for each of these the hypothesis that must be told, and no other."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from inside import checked_inside

from conformance.plugin.target import Target
from conformance.running import run as runner
from conformance.running.profile import PROFILES
from conformance.running.run import Options
from implementations.broken.base import every

MUTANTS = every()
FUNCTIONS = {mutant.name: mutant for mutant in MUTANTS.values() if mutant.module.startswith("implementations.broken.functions")}
QUICK = dataclasses.replace(PROFILES["quick"], most_failures=2)

NAMED = {
    "conv2d_flipped": "kernel-flipped",
    "conv3d_flipped_depth": "kernel-flipped-in-one-axis",
    "conv2d_transposed": "kernel-axes-exchanged",
    "conv2d_stride_of_axis_0": "stride-of-first-axis",
    "conv3d_strides_exchanged": "stride-exchanged",
    "conv3d_pads_exchanged": "padding-reversed",
    "conv2d_pad_ends_exchanged": "padding-ends-exchanged",
    "conv2d_edge_padding": "zeros-as-replicate",
    "conv1d_no_dilation": "dilation-ignored",
    "conv2d_dilation_of_two": "dilation-at-most-2",
    "conv3d_padded_in_front": "padding-one-sided",
    "conv1d_start_off_by_one": "one-later",
    "conv2d_first_group": "group-first-for-all",
    "conv1d_groups_interleaved": "groups-interleaved",
    "conv3d_group_outputs_permuted": "groups-interleaved",
    "conv2d_third_group": "group-second-for-rest",
    "conv2d_no_bias": "bias-missing",
    "conv3d_no_bias_in_groups": "bias-missing",
    "conv1d_bias_doubled": "bias-doubled",
    "conv2d_bias_by_item": "bias-by-item",
    "conv2d_bias_by_channel": "bias-by-input-channel",
    "conv1d_bias_by_group": "bias-first-of-group",
    "conv2d_bias_along_width": "bias-along-width",
    "conv2d_bias_in_half": "bias-of-11-bits",
    "conv2d_columns_over_64": "zeros",
    "conv2d_in_half": "computed-in-float16",
    "conv1d_in_bfloat16": "inputs-of-8-bits",
    "conv2d_double_inputs_in_single": "inputs-of-24-bits",
    "max_pool1d_double_maxima_in_single": "computed-in-float32",
    "max_pool2d_compares_bits": "max-by-bits",
    "max_pool2d_drops_nan": "nan-dropped",
    "max_pool3d_greater_than": "nan-only-first",
    "max_pool1d_pads_with_zero": "max-padded-with-zero",
    "max_pool2d_starts_at_lowest": "max-starts-at-lowest",
    "max_pool3d_pads_with_lowest": "max-padded-with-lowest",
    "avg_pool2d_nanmean": "nan-left-out",
    "conv1d_raw_weights": "memory-order",
    "avg_pool3d_negative_strides": "strides-without-sign",
    "conv2d_previous_result": "previous-result",
    "max_pool2d_last_tie": "index-of-last-tie",
    "max_pool1d_local_indices": "index-in-window",
    "max_pool2d_indices_of_tensor": "index-of-tensor",
    "max_pool1d_no_ceil": "ceil-ignored",
    "avg_pool2d_include_ignored": "padding-always-counts",
    "avg_pool2d_divisor_ignored": "divisor-override-ignored",
    "avg_pool2d_overhang_counts": "overhang-counts",
    "max_pool2d_by_magnitude": "max-by-magnitude",
    "adaptive:ends_floored": "adaptive-ends-floored",
    "adaptive:fixed_stride": "adaptive-fixed-windows",
    "adaptive:strided_average": "adaptive-strided",
    "adaptive:index_in_window": "index-in-window",
    "adaptive:index_of_other_axes": "index-axes-exchanged",
    "adaptive:adaptive_without_nan": "nan-dropped",
    "adaptive:adaptive_overwritten": "gradient-overwritten",
    "adaptive:adaptive_first_kept": "gradient-overwritten",
    "adaptive:adaptive_gradient_by_ratio": "adaptive-divided-by-ratio",
    "adaptive:adaptive_second_at_place": "second-at-start",
    "adaptive:put_to_first": "unpool-to-first",
    "adaptive:unpool_gradient_of_other_channel": "channels-reversed",
    "adaptive:unpool_gradient_at_start": "unpool-gradient-at-start",
    "adaptive:unpool_second_magnitude": "magnitude",
    "borders:symmetric": "reflect-as-symmetric",
    "borders:replicated_zeros": "replicate-as-zeros",
    "borders:circular_wrong_way": "circular-wrong-way",
    "borders:circular_ignored": "padding-ignored",
    "borders:mode_of_last_axis": "mode-of-last-axis",
    "borders:crop_ignored": "cropping-ignored",
    "gradients:unflipped": "kernel-flipped",
    "gradients:unflipped_rows": "kernel-flipped",
    "gradients:padding_without_dilation": "padding-without-dilation",
    "gradients:aligned_at_end": "aligned-at-end",
    "gradients:kernels_of_first_group": "group-first-for-all",
    "gradients:reflection_dropped": "reflect-as-zeros",
    "gradients:kernel_not_conjugated": "not-conjugated",
    "gradients:interleaved_groups": "groups-interleaved",
    "gradients:mean_over_batch": "mean-over-batch",
    "gradients:pad_ends_exchanged": "padding-ends-exchanged",
    "gradients:first_item": "first-item-alone",
    "gradients:mean_over_places": "mean-over-places",
    "gradients:second_without_dilation": "dilation-ignored",
    "gradients:second_flipped": "kernel-flipped",
    "gradients:second_conjugated": "conjugated",
    "gradients:second_of_first_channels": "first-channel-alone",
    "poolings:gradient_to_all_ties": "gradient-to-all-ties",
    "poolings:gradient_to_last_tie": "gradient-to-last-tie",
    "poolings:gradient_overwritten": "gradient-overwritten",
    "poolings:gradient_with_padding": "gradient-with-padding",
    "poolings:gradient_of_lowest_lost": "gradient-of-lowest-lost",
    "poolings:index_of_lowest": "index-lost-of-lowest",
    "poolings:second_selects_itself": "second-selects-itself",
    "poolings:second_of_first_channel": "channel-first-for-all",
    "poolings:average_overwritten": "gradient-overwritten",
    "poolings:second_divided_twice": "divided-twice",
    "poolings:rootless": "norm-without-root",
    "poolings:infinite_as_two": "norm-is-2",
    "poolings:whole_norm": "norm-rounded-down",
    "poolings:mean_of_powers": "norm-of-mean",
    "quantised:zero_point_ignored": "zero-point-ignored",
    "quantised:zero_point_added": "weight-zero-point-added",
    "quantised:zero_point_of_first": "weight-zero-point-of-first",
    "quantised:padding_of_zero": "padding-of-zero",
    "quantised:halves_up": "rounding-up",
    "quantised:cut_off": "rounding-cut",
    "quantised:results_wrap": "results-wrap",
    "quantised:bias_unscaled": "bias-unscaled",
    "layouts:batch_axis_kept": "batch-axis-kept",
    "layouts:quantised_weights_without_strides": "strides-ignored",
    "transposed:flipped": "kernel-flipped",
    "transposed:cut_at_end": "padding-one-sided",
    "transposed:bias_by_item": "bias-by-item",
    "transposed:overwritten": "products-overwritten",
    "conv2d_stride_times_dilation": "dilation-off-by-one",
    "conv2d_last_row_at_end": "last-window-at-end",
    "conv2d_width_of_first_axis": "result-size-of-first-axis",
    "conv2d_depthwise_channels_last": "weights-channels-last",
    "conv2d_depthwise_bias_alone": "bias-alone",
    "max_pool1d_clipped_out_of_step": "clipped-out-of-step",
    "max_pool3d_kernel_of_axis_0": "kernel-of-first-axis",
    "avg_pool1d_whole_reciprocal": "reciprocal-whole",
    "avg_pool2d_default_stride": "default-stride-of-1",
    "conv3d_clips_infinity": "infinity-clipped",
    "avg_pool1d_band_matrix": "nan-spread-by-matrix",
    "conv2d_masks_by_product": "padding-by-product",
    "avg_pool1d_running_sum": "running-sum",
    "avg_pool2d_integral_image": "integral-image",
    "conv2d_biased_rounding": "accumulator-of-18-bits",
    "conv2d_drops_small_terms": "small-inputs-dropped",
    "avg_pool2d_short_division": "reciprocal-of-16-bits",
    "conv2d_quarter_squares": "normwise-accuracy",
    "conv2d_mean_taken_off": "normwise-accuracy",
    "adaptive:bounds_of_last": "adaptive-bounds-of-last-axis",
    "adaptive:starts_raised": "adaptive-starts-raised",
    "adaptive:sixty_four_taps": "taps-over-64-unread",
    "adaptive:default_output_size": "unpool-default-size",
    "adaptive:unpool_second_fitted": "copy-of-input",
    "borders:reflection_of_two": "reflect-at-most-2",
    "borders:padding_of_other_axis": "padding-reversed",
    "borders:same_of_first_stride": "same-of-first-stride",
    "gradients:depth_of_output": "padding-and-stride-ignored",
    "gradients:replication_overwritten": "replicate-as-zeros",
    "gradients:crop_repeated": "cropped-repeats-neighbour",
    "gradients:last_row_of_depthwise": "last-tap-at-last-place",
    "gradients:not_cropped": "weight-grad-uncropped",
    "gradients:halves_overwritten": "half-of-channels",
    "gradients:summed_over_rows": "bias-grad-of-other-axis",
    "numerics:subnormals_flushed": "subnormals-flushed",
    "numerics:bias_grad_rounded_down": "accumulator-of-20-bits",
    "numerics:weight_grad_of_short_inputs": "input-of-8-bits",
    "poolings:gradient_of_first_dilation": "dilation-of-first-axis",
    "poolings:gradient_at_offset": "gradient-at-offset",
    "quantised:pairs_saturate": "pairs-saturate",
    "transposed:padding_exchanged": "padding-reversed",
    "transposed:last_dilation_ignored": "dilation-ignored-in-one-axis",
    "transposed:groups_for_dilation": "groups-and-dilation-exchanged",
    "transposed:flip_of_group_channels": "group-channels-reversed",
    "transposed:weight_grad_without_padding": "offset-without-padding",
    "transposed:output_padding_in_front": "output-padding-before",
    "transposed:output_padding_of_zeros": "output-padding-unsummed",
    "transposed:output_padding_repeated": "output-padding-repeats",
    "transposed:output_padding_without_bias": "output-padding-without-bias",
    "transposed:input_grad_without_output_padding": "output-padding-unread",
    "transposed:bias_grad_without_output_padding": "output-padding-unread",
    "types:half_clipped": "infinity-clipped",
    "types:half_flushed": "subnormals-flushed",
    "types:long_through_double": "integers-through-float64",
    "types:whole_in_single": "integers-through-float32",
    "types:whole_maxima_in_single": "integers-through-float32",
    "types:signed_as_unsigned": "sign-of-type",
    "types:tensor_cores": "inputs-of-11-bits",
    "types:wide_result_rounded": "wide-result-rounded",
    "types:brain_square_root": "norm-with-square-root",
    "types:brain_cut_off": "results-cut",
}


def target_of(name: str) -> Target:
    mutant = MUTANTS.get(name) or FUNCTIONS[name]
    return Target(mutant.target, operators=mutant.operators[:1])


@pytest.mark.parametrize("name", NAMED)
def test_a_broken_implementation_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_DIAGNOSE_TOTAL", 40.0)  # what is told must not depend on how busy the machine is
    result = checked_inside(target_of(name), Options(QUICK), monkeypatch, diagnose_seconds=20.0)
    told = [finding.hypothesis for finding in result.findings if finding.hypothesis]
    assert told, [(finding.kind, finding.message) for finding in result.findings]
    assert set(told) == {NAMED[name]}


def test_there_are_enough_of_them() -> None:
    assert len(NAMED) >= 160
