use super::*;
use crate::ops::*;
use crate::test_graph::{Chain, constant, values};

/// More than a piece.
const SAMPLES: usize = PIECE + 5;

/// Three convolutions with a way around the second, then a dense layer: activations of 90, 90, 90, 90 and 7 values.
fn net() -> Graph {
    let mut chain = Chain::new(&[1, 6, 5, 3]);
    let conv = |activation| Op::Conv2d(Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, activation });
    let weights: Vec<[TensorId; 2]> =
        (0..3).map(|i| [constant(&mut chain.graph, &[3, 3, 3, 3], i), constant(&mut chain.graph, &[3], 10 + i)]).collect();
    let shape = chain.graph.add_tensor(Tensor::constant("shape", [2], Data::I32([1, 90].into())));
    let dense = [constant(&mut chain.graph, &[7, 90], 20), constant(&mut chain.graph, &[7], 21)];
    let mut chain = chain.then(conv(Activation::Relu), &weights[0]);
    let around = chain.last;
    let [w, b] = weights[1];
    let second = chain.node(conv(Activation::None), &[around, w, b]);
    chain.last = chain.node(Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::Relu }), &[around, second]);
    chain
        .then(conv(Activation::Relu6), &weights[2])
        .then(Op::Reshape(Reshape { new_shape: vec![] }), &[shape])
        .then(Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None }), &dense)
        .then(Op::Softmax(Softmax { beta: 1.0 }), &[])
        .finish()
}

/// The net with one number of a node's weights changed.
fn edited(graph: &Graph, node: usize) -> Graph {
    let mut graph = graph.clone();
    let weights = graph.nodes[node].inputs[1].expect("weights");
    let mut numbers = graph.tensor(weights).data.as_ref().and_then(Data::as_f32).expect("floats").to_vec();
    numbers[0] += 0.25;
    graph.tensors[weights.index()].data = Some(Data::F32(numbers.into()));
    graph
}

fn samples() -> Vec<u8> {
    values(SAMPLES * 90, 7).iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Runs in two steps that are no pieces; the output and what was computed.
fn evaluate(activations: &mut Activations, graph: &Graph) -> (Vec<f32>, Evaluated) {
    let samples = [samples()];
    let mut run = activations.resume(graph, (Key::of(&[b"data"]), &samples), SAMPLES).unwrap();
    let mut output = run.run(0..PIECE - 3, &Cancel::new()).unwrap();
    output.extend(run.run(PIECE - 3..SAMPLES, &Cancel::new()).unwrap());
    activations.keep(run);
    (output, activations.evaluated().unwrap())
}

fn afresh(graph: &Graph) -> Vec<f32> {
    Executor::new(graph).unwrap().run_real(&[&samples()], SAMPLES, &Cancel::new()).unwrap().remove(0)
}

/// Where the weights are, and how many nodes run from there on.
const LAYERS: [(usize, usize); 4] = [(0, 7), (1, 6), (3, 4), (5, 2)];

#[test]
fn an_edit_runs_from_the_edited_layer_on() {
    let net = net();
    for (node, runs) in LAYERS {
        let mut activations = Activations::new(1 << 20);
        let (output, all) = evaluate(&mut activations, &net);
        assert_eq!((output, all.nodes), (afresh(&net), net.nodes.len()));
        let (output, part) = evaluate(&mut activations, &edited(&net, node));
        assert_eq!((output, part.nodes), (afresh(&edited(&net, node)), runs), "node {node}");
        let (output, back) = evaluate(&mut activations, &net);
        assert_eq!((output, back.nodes), (afresh(&net), 1), "all but the output itself is kept");
    }
}

#[test]
fn where_little_can_be_kept_the_place_of_the_latest_edit_is() {
    let net = net();
    // Room for the two activations that the sum reads, and no more of that size.
    let room = SAMPLES * 4 * 90 * 2;
    for (node, runs) in LAYERS {
        let mut activations = Activations::new(room);
        evaluate(&mut activations, &net);
        let mut graph = edited(&net, node);
        evaluate(&mut activations, &graph);
        for _ in 0..3 {
            graph = edited(&graph, node);
            let (output, again) = evaluate(&mut activations, &graph);
            assert_eq!((output, again.nodes), (afresh(&graph), runs), "node {node}");
            assert!(again.kept_bytes <= room, "{} of {room}", again.kept_bytes);
        }
    }
}

/// The second convolution's input is also what goes around it: one value that both read. Behind it the sum reads two.
#[test]
fn where_not_even_that_fits_the_rest_follows_from_what_does() {
    let net = net();
    let mut changed = net.clone();
    // A sum that is clamped otherwise: it reads the way around and the second convolution.
    let Op::Binary(sum) = &mut changed.nodes[2].op else { panic!("the sum") };
    sum.activation = Activation::None;
    for (room, runs) in [(2, 5), (1, 6)] {
        let mut activations = Activations::new(SAMPLES * 4 * 90 * room);
        evaluate(&mut activations, &net);
        evaluate(&mut activations, &changed);
        let (output, again) = evaluate(&mut activations, &net);
        assert_eq!((output, again.nodes), (afresh(&net), runs), "room for {room}");
    }
}

#[test]
fn other_samples_scales_or_attributes_are_other_activations() {
    let net = net();
    let keys = |graph: &Graph, samples: &[u8]| activation_keys(graph, Key::of(&[samples]));
    let last = net.outputs[0];
    let mut attribute = net.clone();
    attribute.nodes[6].op = Op::Softmax(Softmax { beta: 2.0 });
    let mut scale = net.clone();
    scale.tensors[net.inputs[0].index()].quantization = Some(crate::quant::Quantization::per_tensor(0.5, 3));
    let all = [keys(&net, b"a")[&last], keys(&net, b"b")[&last], keys(&attribute, b"a")[&last], keys(&scale, b"a")[&last]];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(keys(&net, b"a"), keys(&net, b"a"));
    assert!(net.tensor_ids().filter(|id| net.tensor(*id).is_constant()).all(|id| !keys(&net, b"a").contains_key(&id)));
}

#[test]
fn without_room_everything_runs_again() {
    let mut activations = Activations::new(0);
    evaluate(&mut activations, &net());
    let (output, again) = evaluate(&mut activations, &net());
    assert_eq!((output, again.nodes, again.kept_bytes), (afresh(&net()), net().nodes.len(), 0));
}
