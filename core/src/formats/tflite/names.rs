//! Node names. The format has none, so they come from the name of the tensor that the node makes.
//!
//! Converters name a tensor after the layers that were merged into it, separated by semicolons, each as a path:
//! `model/relu/Relu;model/bn/FusedBatchNormV3;model/conv2d_3/BiasAdd;model/conv2d_3/Conv2D1`. The node is then called
//! after the layer that holds the weights: `conv2d_3`.

use super::super::names::clean;
use crate::ops::{BinaryKind, Op};

/// A name for a node that runs `op` and makes the tensor called `tensor`, before it is made unique.
pub(super) fn node_name(op: &Op, tensor: &str) -> String {
    clean(&layer(op, tensor).unwrap_or_else(|| op.name().to_ascii_lowercase()))
}

/// The layer's name within a tensor's name; `None` if nothing there looks like one.
fn layer(op: &Op, tensor: &str) -> Option<String> {
    let paths = || tensor.split(';').map(str::trim).filter(|path| !path.is_empty());
    let markers: &[&str] = match op {
        // Keras 2 writes the first three, Keras 3 the last.
        Op::Conv2d(_) => &["BiasAdd", "Conv2D", "Conv1D", "convolution"],
        Op::DepthwiseConv2d(_) => &["BiasAdd", "depthwise"],
        Op::FullyConnected(_) => &["BiasAdd", "MatMul", "Tensordot"],
        // A ReLU merged into an addition stands first; the addition is the layer that people look for.
        Op::Binary(binary) => match binary.kind {
            BinaryKind::Add => &["Add", "AddV2"],
            BinaryKind::Sub => &["Sub"],
            BinaryKind::Mul => &["Mul"],
            BinaryKind::Div => &["RealDiv", "Div"],
            BinaryKind::Minimum => &["Minimum"],
            BinaryKind::Maximum => &["Maximum"],
            BinaryKind::Pow => &["Pow"],
            BinaryKind::SquaredDifference => &["SquaredDifference"],
        },
        _ => &[],
    };
    let parents = || paths().filter_map(|path| path.rsplit_once('/'));
    let marked = |marker: &&str| parents().rfind(|(_, last)| is_marker(last, marker));
    match markers.iter().find_map(marked) {
        Some((layer_path, _)) => component(layer_path),
        None => component(paths().next()?),
    }
}

/// Converters append digits to make tensor names unique: `Conv2D1`.
fn is_marker(component: &str, marker: &str) -> bool {
    component.strip_prefix(marker).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// The last component of a path that is a layer's name rather than that of an operation (`Relu`, `BiasAdd`) or the model.
fn component(path: &str) -> Option<String> {
    let path = path.strip_prefix("tfl.").unwrap_or(path);
    let path = path.split_once(':').map_or(path, |(before_port, _)| before_port);
    let components: Vec<&str> = path.split('/').filter(|c| !c.is_empty()).collect();
    let layers = match components.as_slice() {
        [_model, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    layers.iter().rev().find(|c| is_layer(c)).map(|c| (*c).to_owned())
}

fn is_layer(component: &str) -> bool {
    component.starts_with(|c: char| c.is_lowercase() || c == '_') && component != "resource"
}

#[cfg(test)]
mod tests {
    use super::super::super::names::Names;
    use super::*;
    use crate::ops::{Activation, Binary, Conv2d, FullyConnected, Padding, Reshape, Softmax};

    fn dense() -> Op {
        Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None })
    }

    #[test]
    fn nodes_are_called_after_the_layer_with_the_weights() {
        let mut names = Names::default();
        let mut name = |op: &Op, tensor: &str| names.unique(node_name(op, tensor));
        assert_eq!(name(&dense(), "functional_1/activation_1/Relu;functional_1/dense_1/BiasAdd"), "dense_1");
        assert_eq!(name(&dense(), "m/probs/MatMul2;m/bias"), "probs");
        assert_eq!(name(&Op::Softmax(Softmax { beta: 1.0 }), "StatefulPartitionedCall:0"), "softmax");
        assert_eq!(name(&Op::Softmax(Softmax { beta: 1.0 }), "Identity"), "softmax_2");
        assert_eq!(name(&Op::Reshape(Reshape { new_shape: vec![] }), "functional_1/flatten/Reshape"), "flatten");
        assert_eq!(name(&Op::Reshape(Reshape { new_shape: vec![] }), "tfl.reshape"), "reshape");
        assert_eq!(name(&dense(), ""), "fully_connected");
    }

    #[test]
    fn keras_3_hides_the_layer_behind_its_normalization() {
        let mut names = Names::default();
        let add = Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::Relu });
        let (stride, dilation) = ([1, 1], [1, 1]);
        let conv = Op::Conv2d(Conv2d { stride, dilation, padding: Padding::Same, activation: Activation::Relu });
        let merged = "f/re_lu_9/Relu;f/batch_normalization_9/batchnorm/add_1;f/conv2d_5/convolution;f/batch_normalization_9/sub1";
        assert_eq!(names.unique(node_name(&conv, merged)), "conv2d_5");
        assert_eq!(names.unique(node_name(&add, "f/re_lu_12/Relu;f/add_2/Add")), "add_2");
    }

    #[test]
    fn names_are_unique_even_if_the_file_tries() {
        let mut names = Names::default();
        let all: Vec<String> = ["x_2", "x", "x", "x", "x_2"].iter().map(|t| names.unique(node_name(&dense(), t))).collect();
        assert_eq!(all, ["x_2", "x", "x_3", "x_4", "x_2_2"]);
        assert_eq!(names.unique(node_name(&dense(), "a\nb")), "a_b");
    }
}
