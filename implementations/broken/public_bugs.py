"""Public bugs of convolution and pooling in real frameworks, and which broken implementation re-creates each.

An address is that of a GitHub issue, or of a pull request where there is none. What is wrong is said, in words, by the broken
implementation; several bugs share one where their authors made the same mistake.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublicBug:
    """``mutant`` is a key of :func:`implementations.broken.base.every`; empty where it cannot be re-created, and ``note`` why.

    Elsewhere ``note`` says how the re-creation differs from what was reported.
    """

    id: str
    address: str
    mutant: str
    note: str = ""


PUBLIC_BUGS = (
    PublicBug("onnx-avgpool-ceil-nan", "onnx/onnx#4958", "functions.maxima_and_averages:avg_pool2d_empty_window_is_nan"),
    PublicBug("burn-nan-first-only", "tracel-ai/burn#5662", "functions.special_values:max_pool3d_greater_than"),
    PublicBug("pt-fracpool-neginf", "pytorch/pytorch#39044", "adaptive:starts_at_lowest"),
    PublicBug("mps-avgpool-cachekey", "pytorch/pytorch#94348", "functions.state:avg_pool2d_cached_without_divisor"),
    PublicBug("ttmetal-avg-twice", "tenstorrent/tt-metal#26093", "adaptive:one_buffer"),
    PublicBug("onnx2c-bias-batch", "kraiskil/onnx2c#7", "transposed:bias_by_item"),
    PublicBug("et-q-bias-scale", "pytorch/executorch#20655", "quantised:bias_unscaled"),
    PublicBug("inductor-maxpool-ceil", "pytorch/pytorch#94775", "functions.maxima_and_averages:max_pool2d_window_behind"),
    PublicBug("paddle-ceil-k1s2", "PaddlePaddle/Paddle#51542", "functions.maxima_and_averages:avg_pool3d_ceil_not_clipped"),
    PublicBug("onnx-ceil-window-pad", "onnx/onnx#5741", "functions.maxima_and_averages:max_pool1d_size_rounded_up"),
    PublicBug("ort-maxpool-trunc-neg", "microsoft/onnxruntime#25234", "rejections:quotient_cut_off"),
    PublicBug("ort-mlas-overhang", "microsoft/onnxruntime#29629", "functions.maxima_and_averages:avg_pool2d_overhang_counts"),
    PublicBug("tract-avgpool-overhang", "sonos/tract#2851", "poolings:gradient_counts_overhang"),
    PublicBug("et-divisor-ignored", "pytorch/executorch#18616", "poolings:divisor_ignored"),
    PublicBug("jax-avgpool-count-axis", "jax-ml/jax#285", "borders:counts_transposed"),
    PublicBug(
        "ort-padfuse-exclude",
        "microsoft/onnxruntime#23190",
        "functions.maxima_and_averages:avg_pool2d_zeros_taken_for_padding",
        "on an input that holds the zeros",
    ),
    PublicBug("inductor-maxpool-dil", "pytorch/pytorch#93384", "poolings:dilation_refused"),
    PublicBug("pt-size1-stride-segv", "pytorch/pytorch#195394", "functions.views:conv2d_stride_of_one_row"),
    PublicBug("tf-dw-dilation-ignored", "tensorflow/tensorflow#56498", "functions.groups:conv2d_depthwise_undilated"),
    PublicBug("ncnn-dw-dil-bias-only", "Tencent/ncnn#315", "functions.groups:conv2d_depthwise_bias_alone"),
    PublicBug("ttmetal-dil-width-idx", "tenstorrent/tt-metal#19542", "functions.index:conv2d_width_of_first_axis"),
    PublicBug(
        "ort-cuda-avgpool-dil",
        "microsoft/onnxruntime#29631",
        "functions.maxima_and_averages:max_pool2d_dilation_ignored",
        "as a maximum: no average here has a dilation",
    ),
    PublicBug("mxnet-deconv-dilation", "apache/mxnet#11203", "transposed:last_dilation_ignored"),
    PublicBug("nx-same-no-dil", "elixir-nx/nx#189", "borders:same_undilated"),
    PublicBug("caffe2-convtr-n0", "pytorch/pytorch#24341", "transposed:stale_for_empty"),
    PublicBug("paddle-k0-crash", "PaddlePaddle/Paddle#78237", "rejections:kernel_of_zero"),
    PublicBug("tf-bf16-empty", "tensorflow/tensorflow#56680", "types:brain_empty"),
    PublicBug("cruise-dbias-rows", "snuspl/cruise#800", "gradients:summed_over_rows"),
    PublicBug("burn-pool-bwd-dil0", "tracel-ai/burn#4466", "poolings:gradient_of_first_dilation"),
    PublicBug("jax-lhs-transpose-dil", "jax-ml/jax#567", "gradients:padding_without_dilation"),
    PublicBug("torch-nngrad-dil-size", "pytorch/pytorch#13008", "gradients:size_refused"),
    PublicBug("neon-dx-channel", "NervanaSystems/neon#111", "gradients:depth_of_output"),
    PublicBug("mps-avgpool-bwd-cl", "pytorch/pytorch#189233", "layouts:channels_last_as_first"),
    PublicBug("mlpack-nonsq-rot", "mlpack/mlpack#3376", "gradients:kernel_not_square"),
    PublicBug("nnlib-lpnorm-grad", "FluxML/NNlib.jl#639", "poolings:gradient_without_sign"),
    PublicBug("miopen-avgbwd-f16", "ROCm/MIOpen#2344", "types:half_flushed"),
    PublicBug("ocannl-last-write", "ahrefs/ocannl#512", "poolings:gradient_overwritten"),
    PublicBug("nnlib-maxpool-pad-dx", "FluxML/NNlib.jl#133", "poolings:gradient_with_padding"),
    PublicBug("torchmlir-bwd-noflip", "llvm/torch-mlir#4437", "gradients:unflipped_rows"),
    PublicBug(
        "nnlib-beta-ignored",
        "FluxML/NNlib.jl#538",
        "gradients:halves_overwritten",
        "no call here adds to what is given: the adding is inside of one",
    ),
    PublicBug("ireeturbine-wgrad-swap", "iree-org/iree-turbine#1223", "gradients:stride_for_dilation"),
    PublicBug("pt-dw24-wgrad-row", "pytorch/pytorch#50042", "gradients:last_row_of_depthwise"),
    PublicBug("mlx-cuda-group-grad", "ml-explore/mlx#2495", "gradients:interleaved_groups"),
    PublicBug("opacus-dw-extra", "meta-pytorch/opacus#245", "gradients:not_cropped"),
    PublicBug("miopen-dw-direct", "ROCm/MIOpen#77", "", "one algorithm of one device, without numbers to go by"),
    PublicBug("mlx-flip-grouped", "ml-explore/mlx#1449", "transposed:flip_of_group_channels"),
    PublicBug("tvm-convtr-group-ch", "apache/tvm#10235", "transposed:channels_of_one_group"),
    PublicBug("et-dw-layout", "pytorch/executorch#18455", "functions.groups:conv2d_depthwise_channels_last"),
    PublicBug("bayes-arg-swap", "IntelLabs/bayesian-torch#34", "transposed:groups_for_dilation"),
    PublicBug("pt-maxpool-idx-neg1", "pytorch/pytorch#1465", "poolings:gradient_of_lowest_lost"),
    PublicBug("pt-unbatched-idx-shape", "pytorch/pytorch#38986", "layouts:indices_keep_batch"),
    PublicBug("pt-lowmem-int8-off", "pytorch/pytorch#131659", "poolings:gradient_at_offset"),
    PublicBug("mlx-conv-2p31", "ml-explore/mlx#3248", "functions.tails:conv3d_output_index_wraps", "scaled down to 2^16"),
    PublicBug(
        "tf-batch-65535", "tensorflow/tensorflow#9870", "functions.tails:conv2d_batch_over_65535", "as many items of one element"
    ),
    PublicBug(
        "pt-conv3d-large",
        "pytorch/pytorch#84488",
        "",
        "an input of 1.9e9 elements for one backend, and no cause is known that would scale down",
    ),
    PublicBug("inductor-pool-3d-cl", "pytorch/pytorch#177568", "layouts:unbatched_as_channels_last"),
    PublicBug("pt-convtr-cl-garbage", "pytorch/pytorch#99519", "layouts:partly_unwritten"),
    PublicBug("pt-mkldnn-noncontig", "pytorch/pytorch#16301", "layouts:gradient_without_strides"),
    PublicBug(
        "cutlass-dst-stride",
        "NVIDIA/cutlass#1323",
        "functions.views:conv2d_written_packed",
        "the result is a view with longer rows: no call here is given its output",
    ),
    PublicBug("inductor-adaptpool-stride", "pytorch/pytorch#179931", "layouts:padded_batch_step"),
    PublicBug("ort-maxpool-ceil-lowest", "microsoft/onnxruntime#16350", "functions.maxima_and_averages:max_pool3d_lowest_behind"),
    PublicBug("distdl-maxpool-zero", "distdl/distdl#195", "functions.special_values:max_pool1d_pads_with_zero"),
    PublicBug("tinygrad-intmax-dtype", "tinygrad/tinygrad#7726", "types:whole_as_float"),
    PublicBug("cntk-unsigned-outdim", "microsoft/CNTK#1710", "rejections:kernel_too_large"),
    PublicBug("keras-neg-outsize", "keras-team/keras#6649", "rejections:size_without_sign"),
    PublicBug("pt-avgpool3d-div0-meta", "pytorch/pytorch#179303", "rejections:divisor_of_zero"),
    PublicBug("pt-stride0", "pytorch/pytorch#27598", "rejections:stride_of_zero"),
    PublicBug("pt-negpad-maxpool", "pytorch/pytorch#83224", "rejections:negative_padding"),
    PublicBug("mlx-negpad", "ml-explore/mlx#548", "borders:crop_of_all"),
    PublicBug("mps-conv1d-nan", "pytorch/pytorch#84138", "functions.contract:conv1d_sometimes_unwritten"),
    PublicBug("cudnn-torch-nondet", "soumith/cudnn.torch#274", "gradients:order_of_atomics"),
    PublicBug(
        "inductor-avg-int64",
        "pytorch/pytorch#143738",
        "functions.maxima_and_averages:avg_pool1d_whole_reciprocal",
        "on floats: no average here is one of integers",
    ),
    PublicBug("ort-maddubs-sat", "microsoft/onnxruntime#24220", "quantised:pairs_saturate"),
    PublicBug("ort-cuda-avgpool-endpad", "microsoft/onnxruntime#29631", "borders:end_as_begin"),
    PublicBug("kornia-pad-axis-mix", "kornia/kornia#709", "borders:odd_one_of_other_axis"),
    PublicBug("mlxswift-even-same", "ml-explore/mlx-swift#467", "borders:same_one_too_few"),
    PublicBug("root-same-upper-lower", "root-project/root#21793", "borders:upper_for_lower"),
    PublicBug("mipverify-same-even", "vtjeng/MIPVerify.jl#23", "borders:same_rounded_up"),
    PublicBug("torch-circ-wrong-axis", "pytorch/pytorch#37844", "borders:circular_axes"),
    PublicBug("torch-circ-ignored", "pytorch/pytorch#29712", "borders:circular_ignored"),
    PublicBug("tvm-convtr-outpad-cuda", "apache/tvm#19524", "transposed:output_padding_repeated"),
    PublicBug("openvino-padsend-begin", "openvinotoolkit/openvino#38265", "borders:end_as_begin"),
    PublicBug("onednn-lpad-gt-block", "uxlfoundation/oneDNN#3981", "quantised:taps_skipped"),
    PublicBug(
        "scipy-wrap-one-fold",
        "scipy/scipy#12686",
        "rejections:circular_folded_once",
        "as what must be refused: circular padding is at most as wide as the input here",
    ),
    PublicBug("miopen-pool-asym", "ROCm/MIOpen#1670", "borders:padding_of_other_axis"),
    PublicBug("tvm-q-edges", "apache/tvm#13364", "quantised:correction_of_all_taps"),
    PublicBug("pt-adapt-float-idx", "pytorch/pytorch#84010", "adaptive:bounds_in_single"),
    PublicBug("pt-conv-tf32", "pytorch/pytorch#107514", "types:tensor_cores"),
    PublicBug("candle-f16-half", "huggingface/candle#3719", "types:half_stalls", "at any length, by its limit of 2048"),
    PublicBug("pt-bf16-2x2", "pytorch/pytorch#163347", "types:brain_one_tap"),
    PublicBug(
        "nnpack-pool-w-uses-sh", "Maratyszcza/NNPACK#16", "functions.maxima_and_averages:max_pool2d_columns_by_stride_of_rows"
    ),
    PublicBug("torch-1x1-fastpath-stride", "pytorch/pytorch#54080", "borders:pointwise"),
    PublicBug("paddle-same-stride0", "PaddlePaddle/Paddle#20997", "borders:same_of_first_stride"),
    PublicBug("scipy-corr2d-same-even", "scipy/scipy#1968", "borders:centre_of_even"),
    PublicBug("mlximage-adapt-reshape", "riccardomusmeci/mlx-image#16", "adaptive:strided_average"),
    PublicBug("flaggems-adapt-cap64", "flagos-ai/FlagGems#4924", "adaptive:sixty_four_taps"),
    PublicBug("wonnx-maxpool-first", "webonnx/wonnx#75", "functions.maxima_and_averages:max_pool2d_first_output_alone"),
    PublicBug("arrayfire-filter-race", "arrayfire/arrayfire#3711", "gradients:shared_kernel"),
    PublicBug("ggml-conv2d-race", "ggml-org/ggml#483", "functions.state:conv2d_shared_by_threads"),
    PublicBug("pt-group-nhwc-slow", "pytorch/pytorch#34977", "", "slow, not wrong"),
    PublicBug("aidotnet-pack-identity", "ooples/AiDotNet#1505", "functions.state:conv2d_packed_by_identity"),
    PublicBug(
        "anakin-pool-last-column", "PaddlePaddle/Anakin#210", "functions.maxima_and_averages:max_pool2d_last_column_of_three"
    ),
    PublicBug("autograd-pool-reshape", "HIPS/autograd#245", "functions.maxima_and_averages:max_pool2d_reshaped_across"),
    PublicBug("burn-convtr-dx-outpad", "tracel-ai/burn#4845", "transposed:input_grad_of_output_padding"),
    PublicBug(
        "burn-inf-weight-few-ch", "tracel-ai/burn#5385", "functions.special_values:conv2d_padding_skipped_for_few_channels"
    ),
    PublicBug(
        "cmsis-mve-int8-tail",
        "ARM-software/CMSIS_5#1092",
        "thresholds:eight_of_sixteen_lanes",
        "the other lanes hold the first tap",
    ),
    PublicBug("flaggems-dx-undersized", "flagos-ai/FlagGems#1576", "gradients:rows_without_rest"),
    PublicBug("ggml-im2col-1024", "ggml-org/ggml#1532", "functions.tails:conv1d_unrolled_over_1024"),
    PublicBug(
        "inductor-conv-8-warps",
        "pytorch/pytorch#173068",
        "functions.tails:conv2d_last_round_of_large_tiles",
        "which sums go wrong is inferred: a loop was miscompiled",
    ),
    PublicBug("mps-cl-channel-slice", "pytorch/pytorch#180984", "functions.views:conv2d_channels_cut_of_channels_last"),
    PublicBug(
        "mps-kernel-256",
        "pytorch/pytorch#188335",
        "functions.tails:conv2d_taps_over_255",
        "what was written past the memory is lost here",
    ),
    PublicBug(
        "nnpack-pad-ge-kernel",
        "pytorch/pytorch#90142",
        "functions.index:conv2d_windows_of_padding",
        "what is wrong is inferred: the thread says that it is",
    ),
    PublicBug(
        "onednn-bf16-conv3d-outw1", "pytorch/pytorch#169688", "types:brain_one_column", "which elements are read is inferred"
    ),
    PublicBug(
        "oneflow-adaptive-dx-race",
        "Oneflow-Inc/oneflow#5614",
        "adaptive:adaptive_without_atomics",
        "the last write always wins: a race would differ from call to call",
    ),
    PublicBug(
        "openvino-osv32-overread",
        "openvinotoolkit/openvino#37067",
        "functions.contract:conv2d_reads_behind",
        "at most 128 bytes behind the input",
    ),
    PublicBug("ort-riscv-packed-b", "microsoft/onnxruntime#20030", "functions.index:conv2d_packed_by_16_read_by_4"),
    PublicBug(
        "ort-webgpu-convtr-hang",
        "microsoft/onnxruntime#24388",
        "transposed:blocks_without_sign",
        "it waits instead of counting to 2^32 - 3",
    ),
    PublicBug(
        "miopen-dx-2x2-dil21",
        "ROCm/legacy-rocm-build#4606",
        "gradients:two_by_two_dilated_in_rows",
        "which taps are exchanged is inferred",
    ),
    PublicBug("tfjs-wasm-stride-gt-k", "tensorflow/tfjs#5907", "functions.index:conv2d_zeros_for_gaps"),
    PublicBug(
        "torch-maxpool3d-idx-bytes",
        "pytorch/pytorch#1197",
        "functions.maxima_and_averages:max_pool3d_upper_bytes_of_index",
        "the upper bytes are 0 or 1",
    ),
    PublicBug(
        "torch-unpool-idx-layout",
        "pytorch/pytorch#197888",
        "layouts:indices_through_pointer",
        "in unpooling: it was reported for gradients of pooling that are given indices",
    ),
    PublicBug("torch-unpool-idx-32bit", "pytorch/pytorch#197409", "rejections:index_cut_to_32_bits"),
    PublicBug(
        "tt-bias-split",
        "tenstorrent/tt-metal#21110",
        "functions.groups:conv2d_bias_split_by_input_channels",
        "parts of 128 channels, scaled down by 2.5 from SDXL's",
    ),
    PublicBug("tt-requant-magnitude", "tenstorrent/tt-metal#56290", "quantised:magnitude_of_negative"),
    PublicBug("xla-int8-two-groups", "openxla/xla#49123", "types:last_channel_of_first_group"),
)


def public_bug(text: str) -> PublicBug:
    """The first one with this id or address. Raises KeyError if there is none."""
    for bug in PUBLIC_BUGS:
        if text in (bug.id, bug.address):
            return bug
    raise KeyError(text)
