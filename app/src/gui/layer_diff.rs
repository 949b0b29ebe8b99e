//! Which layers two candidates do not have in common, and which do something else in each.

use std::collections::HashMap;

use tinsmith_core::measure::LayerFigures;

use super::units;

/// What became of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Only the first has it.
    Removed,
    /// Only the second has it.
    Added,
    /// Both have it, but it is another operator or puts out another shape.
    Changed,
}

/// A layer that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerChange {
    /// What became of it.
    pub fate: Fate,
    /// Its name.
    pub name: String,
    /// What it is, or what it was and is: `Conv 3×3 → Conv 3×3, ReLU6`.
    pub what: String,
}

/// Layers that differ, in the order in which they are computed; those that are gone stand where they stood.
pub fn layer_diff(before: &[LayerFigures], after: &[LayerFigures]) -> Vec<LayerChange> {
    let places = |of: &[LayerFigures]| of.iter().enumerate().map(|(i, l)| (l.name.clone(), i)).collect::<HashMap<_, _>>();
    let (in_before, in_after) = (places(before), places(after));
    let mut changes = Vec::new();
    let mut next = 0;
    let mut put_added = |up_to: usize, changes: &mut Vec<LayerChange>| {
        let new = after.get(next..up_to).unwrap_or_default().iter().filter(|layer| !in_before.contains_key(&layer.name));
        changes.extend(new.map(|layer| change(Fate::Added, layer, words(layer))));
        next = next.max(up_to);
    };
    for layer in before {
        match in_after.get(&layer.name) {
            None => changes.push(change(Fate::Removed, layer, words(layer))),
            Some(&at) => {
                put_added(at, &mut changes);
                changes.extend(difference(layer, &after[at]).map(|what| change(Fate::Changed, layer, what)));
            }
        }
    }
    put_added(after.len(), &mut changes);
    changes
}

fn change(fate: Fate, layer: &LayerFigures, what: String) -> LayerChange {
    LayerChange { fate, name: layer.name.clone(), what }
}

fn words(layer: &LayerFigures) -> String {
    format!("{}, {}", layer.label, units::shape(&layer.output_shape))
}

fn difference(before: &LayerFigures, after: &LayerFigures) -> Option<String> {
    let (shape, shape_after) = (units::shape(&before.output_shape), units::shape(&after.output_shape));
    let label = (before.label != after.label).then(|| format!("{} → {}", before.label, after.label));
    let shapes = (shape != shape_after).then(|| format!("{shape} → {shape_after}"));
    let both: Vec<String> = label.into_iter().chain(shapes).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinsmith_core::graph::NodeId;

    fn layer(name: &str, label: &str, channels: usize) -> LayerFigures {
        LayerFigures {
            node: NodeId::new(0),
            name: name.to_owned(),
            label: label.to_owned(),
            output_shape: vec![1, 8, 8, channels],
            output_bytes: 0,
            scheme: String::new(),
            weights_bytes: 0,
            bias_bytes: 0,
            parameters: 0,
            macs: 0,
            flops: 0,
            latency_us: None,
        }
    }

    #[test]
    fn layers_are_listed_where_they_stand() {
        let before =
            [layer("c1", "Conv 3×3", 8), layer("b1", "Batch norm", 8), layer("c2", "Conv 1×1", 8), layer("f", "Reshape", 8)];
        let after =
            [layer("q", "Quantize", 8), layer("c1", "Conv 3×3, ReLU", 8), layer("c2", "Conv 1×1", 4), layer("f", "Reshape", 8)];
        let changes = layer_diff(&before, &after);
        let told: Vec<(Fate, &str, &str)> = changes.iter().map(|c| (c.fate, c.name.as_str(), c.what.as_str())).collect();
        let expected = [
            (Fate::Added, "q", "Quantize, 8×8×8"),
            (Fate::Changed, "c1", "Conv 3×3 → Conv 3×3, ReLU"),
            (Fate::Removed, "b1", "Batch norm, 8×8×8"),
            (Fate::Changed, "c2", "8×8×8 → 8×8×4"),
        ];
        assert_eq!(told, expected);
        assert!(layer_diff(&before, &before).is_empty());
        assert_eq!(layer_diff(&[], &after).len(), 4);
    }
}
