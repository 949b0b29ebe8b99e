//! Constants in another order of their axes.

use std::sync::Arc;

use crate::tensor::Data;

/// Whether a permutation of these extents leaves the values in their order: only axes of extent 1 move.
pub(super) fn is_in_order(shape: &[usize], permutation: &[usize]) -> bool {
    permutation.iter().filter(|&&axis| shape[axis] != 1).is_sorted()
}

/// The values of a constant of this shape, its axes permuted.
pub(super) fn data(data: &Data, shape: &[usize], permutation: &[usize]) -> Data {
    match data {
        Data::F32(v) => Data::F32(values(v, shape, permutation)),
        Data::F16(v) => Data::F16(values(v, shape, permutation)),
        Data::I4(v) => Data::I4(values(v, shape, permutation)),
        Data::I8(v) => Data::I8(values(v, shape, permutation)),
        Data::U8(v) => Data::U8(values(v, shape, permutation)),
        Data::I16(v) => Data::I16(values(v, shape, permutation)),
        Data::I32(v) => Data::I32(values(v, shape, permutation)),
        Data::I64(v) => Data::I64(values(v, shape, permutation)),
        Data::Bool(v) => Data::Bool(values(v, shape, permutation)),
        Data::Other(code, v) => Data::Other(*code, v.clone()),
    }
}

/// Values of any type of a tensor of this shape, its axes permuted.
pub(super) fn values<T: Copy>(values: &[T], shape: &[usize], permutation: &[usize]) -> Arc<[T]> {
    if let (&[rows, columns], &[1, 0]) = (shape, permutation) {
        return transposed(values, rows, columns);
    }
    let mut stride = 1;
    let mut strides = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        strides[axis] = stride;
        stride *= shape[axis];
    }
    let extents: Vec<usize> = permutation.iter().map(|&axis| shape[axis]).collect();
    let steps: Vec<usize> = permutation.iter().map(|&axis| strides[axis]).collect();
    if values.is_empty() {
        return Arc::from(values);
    }
    let mut index = vec![0; extents.len()];
    let mut offset = 0;
    let n = values.len();
    (0..n)
        .map(|_| {
            let value = values[offset];
            for axis in (0..extents.len()).rev() {
                index[axis] += 1;
                offset += steps[axis];
                if index[axis] < extents[axis] {
                    break;
                }
                offset -= steps[axis] * extents[axis];
                index[axis] = 0;
            }
            value
        })
        .collect()
}

/// A matrix transposed, in tiles that stay in the cache.
fn transposed<T: Copy>(values: &[T], rows: usize, columns: usize) -> Arc<[T]> {
    const TILE: usize = 32;
    let mut result: Arc<[T]> = Arc::from(values);
    let Some(to) = Arc::get_mut(&mut result) else { return result };
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for row in top..(top + TILE).min(rows) {
                for column in left..(left + TILE).min(columns) {
                    to[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_exchanged() {
        assert_eq!(values(&[1, 2, 3, 4, 5, 6], &[2, 3], &[1, 0]).as_ref(), [1, 4, 2, 5, 3, 6]);
        assert_eq!(values(&[0, 1, 2, 3, 4, 5, 6, 7], &[2, 2, 2], &[2, 0, 1]).as_ref(), [0, 2, 4, 6, 1, 3, 5, 7]);
        assert_eq!(values(&[7], &[], &[]).as_ref(), [7]);
    }

    #[test]
    fn large_matrices_are_transposed_in_tiles() {
        let matrix: Vec<usize> = (0..70 * 33).collect();
        let result = values(&matrix, &[70, 33], &[1, 0]);
        assert!((0..33 * 70).all(|i| result[i] == matrix[i % 70 * 33 + i / 70]));
    }

    #[test]
    fn extents_of_one_do_not_count() {
        assert!(is_in_order(&[4, 1, 5], &[1, 0, 2]));
        assert!(!is_in_order(&[4, 1, 5], &[2, 1, 0]));
    }
}
