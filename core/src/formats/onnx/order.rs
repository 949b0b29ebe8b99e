//! The nodes in an order in which each follows what it reads, and what makes that impossible.

use std::collections::{BinaryHeap, HashMap};

use super::super::error::{Trouble, quoted};
use super::proto::Graph;

/// Who makes and who reads the values of a graph.
pub(super) struct Order<'g> {
    /// Indices of the nodes, in the order of the file where that works.
    pub(super) nodes: Vec<usize>,
    /// For each value the nodes that read it, once for each time.
    pub(super) readers: HashMap<&'g str, Vec<usize>>,
}

/// Sorts the nodes.
///
/// # Errors
/// A value that nothing makes, or two nodes do; nodes that wait for one another.
pub(super) fn sorted<'g>(graph: &'g Graph<'_>) -> Result<Order<'g>, Trouble> {
    let mut maker: HashMap<&str, Option<usize>> = HashMap::with_capacity(graph.nodes.len() + graph.initializers.len());
    maker.extend(graph.inputs.iter().map(|input| (input.name, None)));
    maker.extend(graph.initializers.iter().map(|tensor| (tensor.name, None)));
    for (index, node) in graph.nodes.iter().enumerate() {
        for &output in node.outputs.iter().filter(|name| !name.is_empty()) {
            if maker.insert(output, Some(index)).is_some() {
                let found = format!("makes {}, which something else has made already", quoted(output));
                return Err(Trouble::malformed(node.place(), found, "a value of its own"));
            }
        }
    }
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut waits_for = vec![0usize; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for &input in node.inputs.iter().filter(|name| !name.is_empty()) {
            let made_by = maker.get(input).ok_or_else(|| {
                Trouble::malformed(node.place(), format!("reads {}, which nothing makes", quoted(input)), "a value of this model")
            })?;
            waits_for[index] += usize::from(made_by.is_some());
            readers.entry(input).or_default().push(index);
        }
    }
    let mut ready: BinaryHeap<std::cmp::Reverse<usize>> =
        (0..graph.nodes.len()).filter(|&index| waits_for[index] == 0).map(std::cmp::Reverse).collect();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    while let Some(std::cmp::Reverse(index)) = ready.pop() {
        nodes.push(index);
        for output in graph.nodes[index].outputs.iter().filter(|name| !name.is_empty()) {
            for &reader in readers.get(output).into_iter().flatten() {
                waits_for[reader] -= 1;
                if waits_for[reader] == 0 {
                    ready.push(std::cmp::Reverse(reader));
                }
            }
        }
    }
    match (0..graph.nodes.len()).find(|&index| waits_for[index] > 0) {
        Some(index) => {
            let found = "waits for its own result, through other nodes or directly";
            Err(Trouble::malformed(graph.nodes[index].place(), found, "a graph without cycles"))
        }
        None => Ok(Order { nodes, readers }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Node, ValueInfo};
    use super::*;

    fn graph(nodes: &[(&'static str, &'static str)]) -> Graph<'static> {
        let node = |&(input, output): &(&'static str, &'static str)| Node {
            op_type: "Relu",
            inputs: vec![input],
            outputs: vec![output],
            ..Node::default()
        };
        let inputs = vec![ValueInfo { name: "x", ..ValueInfo::default() }];
        Graph { nodes: nodes.iter().map(node).collect(), inputs, ..Graph::default() }
    }

    #[test]
    fn nodes_out_of_order_are_sorted() {
        assert_eq!(sorted(&graph(&[("a", "b"), ("x", "a"), ("b", "c")])).unwrap().nodes, [1, 0, 2]);
    }

    #[test]
    fn cycles_and_values_without_or_with_two_makers_are_refused() {
        for nodes in [&[("a", "b"), ("b", "a")][..], &[("a", "a")], &[("nowhere", "a")], &[("x", "a"), ("x", "a")], &[("x", "x")]]
        {
            assert!(matches!(sorted(&graph(nodes)), Err(Trouble::Malformed { .. })), "{nodes:?}");
        }
    }
}
