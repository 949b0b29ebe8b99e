//! How the axes of a value in the source lie in the tensor of the graph that holds it.
//!
//! ONNX images are channels first, the graph's are channels last. So a value of the source is a *view* of a tensor: each of
//! its axes is a list of the tensor's axes, outermost first. A transpose, a squeeze, an unsqueeze, and a reshape that joins
//! axes or parts them again only make another view: no node. An operator asks for the order that it needs, and only if the
//! values really stand in another one a node is inserted (`builder::arrange`).
//!
//! An axis of the source with an empty list has extent 1; an axis of the tensor in no list has extent 1 as well.

use crate::graph::TensorId;

/// A value of the source as it lies in a tensor of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    pub(super) id: TensorId,
    /// For each axis of the source the axes of the tensor, outermost first.
    pub(super) axes: Vec<Vec<usize>>,
}

/// What has to be done to a tensor so that its values stand in another order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Nothing.
    None,
    /// The same values under another shape.
    Reshape(Vec<usize>),
    /// A transpose, then another shape unless the two are equal.
    Transpose { permutation: Vec<usize>, shape: Vec<usize> },
}

impl View {
    /// A tensor whose axes are those of the source.
    pub(super) fn plain(id: TensorId, rank: usize) -> Self {
        Self { id, axes: (0..rank).map(|axis| vec![axis]).collect() }
    }

    /// The same axes in another tensor.
    pub(super) fn of(&self, id: TensorId) -> Self {
        Self { id, axes: self.axes.clone() }
    }

    pub(super) fn rank(&self) -> usize {
        self.axes.len()
    }

    /// The shape of the value in the source; `tensor` is that of the tensor.
    pub(super) fn shape(&self, tensor: &[usize]) -> Vec<usize> {
        self.axes.iter().map(|list| list.iter().map(|&axis| tensor[axis]).product()).collect()
    }

    /// The only axis of the tensor that axis `source` is; `None` if it is several or none.
    pub(super) fn single(&self, source: usize) -> Option<usize> {
        match self.axes.get(source)?.as_slice() {
            &[axis] => Some(axis),
            _ => None,
        }
    }

    /// The view after a transpose of the source.
    pub(super) fn transposed(&self, permutation: &[usize]) -> Self {
        Self { id: self.id, axes: permutation.iter().map(|&axis| self.axes[axis].clone()).collect() }
    }

    /// The view without some axes of the source, which have extent 1.
    pub(super) fn without(&self, dropped: &[usize]) -> Self {
        let kept = self.axes.iter().enumerate().filter(|(axis, _)| !dropped.contains(axis));
        Self { id: self.id, axes: kept.map(|(_, list)| list.clone()).collect() }
    }

    /// The view with new axes of extent 1, at these sorted positions of the result.
    pub(super) fn with_new(&self, positions: &[usize]) -> Self {
        let mut axes = self.axes.clone();
        for &position in positions {
            axes.insert(position.min(axes.len()), vec![]);
        }
        Self { id: self.id, axes }
    }

    /// The view with axes of extent 1 in front, as broadcasting adds them.
    pub(super) fn with_rank(&self, rank: usize) -> Self {
        self.with_new(&vec![0; rank.saturating_sub(self.rank())])
    }

    /// The view under another shape of as many elements, if that needs no axis of the tensor to be cut.
    pub(super) fn reshaped(&self, tensor: &[usize], wanted: &[usize]) -> Option<Self> {
        if self.shape(tensor) == wanted {
            return Some(self.clone());
        }
        let mut factors = self.axes.iter().flatten().copied().filter(|&axis| tensor[axis] != 1);
        let mut axes = Vec::with_capacity(wanted.len());
        for &extent in wanted {
            let (mut list, mut product) = (Vec::new(), 1usize);
            while product < extent {
                let axis = factors.next()?;
                product = product.checked_mul(tensor[axis])?;
                list.push(axis);
            }
            if product != extent {
                return None;
            }
            axes.push(list);
        }
        factors.next().is_none().then_some(Self { id: self.id, axes })
    }

    /// The axes of the tensor for a shape whose axes are these lists of axes of the source.
    pub(super) fn target(&self, order: &[Vec<usize>]) -> Vec<Vec<usize>> {
        order.iter().map(|sources| sources.iter().flat_map(|&source| self.axes[source].iter().copied()).collect()).collect()
    }

    /// Where the axes of `reference`'s tensor lie in this view's tensor: for each a list of one or none (extent 1, to be
    /// broadcast). `None` if the two cut their axes differently, or this one has more than the reference along an axis.
    pub(super) fn like(&self, tensor: &[usize], reference: &View, reference_tensor: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut target = vec![Vec::new(); reference_tensor.len()];
        for (own, others) in self.axes.iter().zip(&reference.axes) {
            let own: Vec<usize> = own.iter().copied().filter(|&axis| tensor[axis] != 1).collect();
            if own.is_empty() {
                continue;
            }
            let others: Vec<usize> = others.iter().copied().filter(|&axis| reference_tensor[axis] != 1).collect();
            if own.len() != others.len() {
                return None;
            }
            for (own, other) in own.into_iter().zip(others) {
                if tensor[own] != reference_tensor[other] {
                    return None;
                }
                target[other] = vec![own];
            }
        }
        Some(target)
    }
}

/// What brings a tensor of this shape into the order `target`: for each new axis the axes that it is made of.
pub(super) fn arrangement(tensor: &[usize], target: &[Vec<usize>]) -> Move {
    let shape: Vec<usize> = target.iter().map(|list| list.iter().map(|&axis| tensor[axis]).product()).collect();
    let sequence = target.iter().flatten().copied().filter(|&axis| tensor[axis] != 1);
    if sequence.eq((0..tensor.len()).filter(|&axis| tensor[axis] != 1)) {
        return if shape == tensor { Move::None } else { Move::Reshape(shape) };
    }
    let mut used = vec![false; tensor.len()];
    target.iter().flatten().for_each(|&axis| used[axis] = true);
    // Axes of extent 1 that nobody names fill places where the shape wants one.
    let mut spare = (0..tensor.len()).filter(|&axis| !used[axis]);
    let mut permutation: Vec<usize> = Vec::with_capacity(tensor.len());
    for list in target {
        if list.is_empty() { permutation.extend(spare.next()) } else { permutation.extend(list) }
    }
    permutation.extend(spare);
    Move::Transpose { permutation, shape }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TensorId = TensorId(0);

    /// A channels-first image in a channels-last tensor.
    fn image() -> View {
        View { id: ID, axes: vec![vec![0], vec![3], vec![1], vec![2]] }
    }

    #[test]
    fn the_transposes_around_a_convolution_cancel() {
        let tensor = [1, 4, 5, 3];
        let first = View::plain(ID, 4).transposed(&[0, 3, 1, 2]);
        assert_eq!(first, image());
        assert_eq!(first.shape(&tensor), [1, 3, 4, 5]);
        let target = first.target(&[vec![0], vec![2], vec![3], vec![1]]);
        assert_eq!(arrangement(&tensor, &target), Move::None);
        assert_eq!(first.transposed(&[0, 2, 3, 1]), View::plain(ID, 4));
    }

    #[test]
    fn joined_axes_remember_their_parts() {
        let tensor = [1, 4, 5, 3];
        let flat = image().reshaped(&tensor, &[1, 60]).unwrap();
        assert_eq!(flat.axes, [vec![], vec![3, 1, 2]]);
        assert_eq!(flat.reshaped(&tensor, &[1, 3, 4, 5]).unwrap().axes, [vec![], vec![3], vec![1], vec![2]]);
        assert!(flat.reshaped(&tensor, &[2, 30]).is_none());
        let plain = arrangement(&tensor, &flat.target(&[vec![0], vec![1]]));
        assert_eq!(plain, Move::Transpose { permutation: vec![0, 3, 1, 2], shape: vec![1, 60] });
    }

    #[test]
    fn axes_of_extent_one_move_freely() {
        // A picture of one channel: channels first and last are the same values in the same order.
        let view = View::plain(ID, 4).reshaped(&[1, 8, 8, 1], &[1, 1, 8, 8]).unwrap();
        let target = view.target(&[vec![0], vec![2], vec![3], vec![1]]);
        assert_eq!(arrangement(&[1, 8, 8, 1], &target), Move::None);
        let line = View::plain(ID, 3).transposed(&[0, 2, 1]).with_new(&[2]);
        let target = line.target(&[vec![0], vec![2], vec![3], vec![1]]);
        assert_eq!(arrangement(&[1, 128, 3], &target), Move::Reshape(vec![1, 1, 128, 3]));
    }

    #[test]
    fn a_smaller_operand_takes_the_order_of_the_larger() {
        let (large, small) = ([1, 4, 5, 3], [1, 3, 1, 1]);
        let target = View::plain(ID, 4).like(&small, &image(), &large).unwrap();
        assert_eq!(arrangement(&small, &target), Move::Reshape(vec![1, 1, 1, 3]));
        assert!(View::plain(ID, 2).like(&[1, 60], &image().reshaped(&large, &[1, 60]).unwrap(), &large).is_none());
    }
}
