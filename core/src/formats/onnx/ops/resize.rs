//! Resize and Upsample. ONNX has many ways to say which pixel goes where, TFLite three: where one of them gives the same places
//! it is taken.

use super::super::builder::{Builder, Fail, Value, refuse};
use super::super::call::Call;
use super::window::{Image, image, made};
use crate::ops::{BatchMatMul, Gather, Op, ResizeBilinear, ResizeNearestNeighbor};

/// How places of the result are found in the image, along one axis.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    scale: f64,
}

/// TFLite's three ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    align_corners: bool,
    half_pixel_centers: bool,
}

const WAYS: [Way; 3] = [
    Way { align_corners: false, half_pixel_centers: true },
    Way { align_corners: false, half_pixel_centers: false },
    Way { align_corners: true, half_pixel_centers: false },
];

pub(super) fn resize(builder: &mut Builder, call: &Call<'_, '_>) -> Result<Value, Fail> {
    let shape = call.shape(builder, 0)?;
    let axes = axes(call, &shape)?;
    let image = image(builder, call, 0)?;
    let is_old = call.opset < 11 || call.node.op_type == "Upsample";
    let transform = if is_old { "asymmetric" } else { call.text("coordinate_transformation_mode").unwrap_or("half_pixel") };
    let mode = call.text("mode").unwrap_or("nearest");
    let rounding = if is_old { "floor" } else { call.text("nearest_mode").unwrap_or("round_prefer_floor") };
    if call.integer("antialias", 0) != 0 || !matches!(mode, "nearest" | "linear" | "bilinear") {
        return refuse(format!("resizes in mode {mode} or against aliasing; only nearest and linear are supported"));
    }
    let is_nearest = mode == "nearest";
    let wanted = |axis: &Axis| -> Option<Vec<f64>> {
        let place = |x: usize| Some(axis.place(x, transform)?).map(|v| if is_nearest { rounded(v, rounding) } else { v });
        let last = (axis.input - 1) as f64;
        (0..axis.output).map(|x| place(x).map(|v| v.clamp(0.0, last))).collect()
    };
    let wanted: Option<Vec<Vec<f64>>> = axes.iter().map(wanted).collect();
    let wanted = wanted.map_or_else(|| refuse(format!("finds its pixels by {transform}, which is not supported")), Ok)?;
    let same = |way: &Way| {
        let places = axes.iter().map(|axis| way.places(axis, is_nearest));
        places.zip(&wanted).all(|(a, b)| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4))
    };
    let Some(&Way { align_corners, half_pixel_centers }) = WAYS.iter().find(|way| same(way)) else {
        if is_nearest {
            return picked(builder, &image, &wanted);
        }
        return weighted(builder, &image, &axes, &wanted);
    };
    let size = match axes.as_slice() {
        [w] => [1, w.output as i64],
        [h, w] => [h.output as i64, w.output as i64],
        _ => return refuse("resizes volumes (3-D), which is not supported"),
    };
    let size = builder.integers("size", &size)?;
    let op = if is_nearest {
        Op::ResizeNearestNeighbor(ResizeNearestNeighbor { align_corners, half_pixel_centers })
    } else {
        Op::ResizeBilinear(ResizeBilinear { align_corners, half_pixel_centers })
    };
    let id = builder.emit(op, vec![Some(image.id), Some(size)])?;
    Ok(Value::Tensor(made(id, image.rank)))
}

/// The nearest pixels, picked one axis after the other.
fn picked(builder: &mut Builder, image: &Image, wanted: &[Vec<f64>]) -> Result<Value, Fail> {
    let mut id = image.id;
    // A line has its only axis where images have their width.
    for (axis, places) in wanted.iter().rev().enumerate().map(|(i, places)| (2 - i.min(1), places)) {
        let list: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let indices = builder.integers("pixels", &list)?;
        id = builder.emit_helper(
            "pick",
            Op::Gather(Gather { axis: axis as i32, batch_dims: 0 }),
            vec![Some(id), Some(indices)],
        )?;
    }
    Ok(Value::Tensor(made(id, image.rank)))
}

/// Any linear interpolation, as a product with a matrix of weights along each axis.
fn weighted(builder: &mut Builder, image: &Image, axes: &[Axis], wanted: &[Vec<f64>]) -> Result<Value, Fail> {
    let shape = builder.shape_of(image.id).to_vec();
    let (batch, mut size) = (shape[0], image.size);
    let mut id = image.id;
    for (i, (axis, places)) in axes.iter().zip(wanted).rev().enumerate().map(|(i, pair)| (1 - i.min(1), pair)) {
        let n = axis.output.saturating_mul(axis.input);
        builder.budget.charge(n.saturating_mul(4), || "weights of an interpolation".into())?;
        let mut matrix = vec![0.0; n];
        for (row, &place) in places.iter().enumerate() {
            let (low, part) = (place.floor() as usize, (place - place.floor()) as f32);
            matrix[row * axis.input + low] += 1.0 - part;
            matrix[row * axis.input + (low + 1).min(axis.input - 1)] += part;
        }
        let matrix = builder.floats("interpolation", vec![axis.output, axis.input], matrix)?;
        // Along the height a row of pixels is one column, along the width a pixel is.
        let rows = if i == 0 { vec![batch, size[0], size[1] * shape[3]] } else { vec![batch * size[0], size[1], shape[3]] };
        let flat = builder.reshape(id, &rows)?;
        let product =
            builder.emit_helper("interpolate", Op::BatchMatMul(BatchMatMul::default()), vec![Some(matrix), Some(flat)])?;
        size[i] = axis.output;
        id = builder.reshape(product, &[batch, size[0], size[1], shape[3]])?;
    }
    Ok(Value::Tensor(made(id, image.rank)))
}

/// What happens to the axes behind batch and channels.
fn axes(call: &Call<'_, '_>, shape: &[usize]) -> Result<Vec<Axis>, Fail> {
    let rank = shape.len();
    let (scales_at, sizes_at) = if call.opset < 11 || call.node.op_type == "Upsample" { (1, usize::MAX) } else { (2, 3) };
    let of = match call.integers("axes") {
        Some(axes) => axes.iter().map(|&axis| call.axis(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let scales = match (call.floats("scales"), call.input(scales_at)) {
        (Some(list), _) if call.has("scales") => list.to_vec(),
        (_, Some(_)) => call.known(scales_at, "scales")?.0.data.as_f32().unwrap_or_default().to_vec(),
        _ => vec![],
    };
    let sizes = if scales.is_empty() { call.known_integers(sizes_at, "sizes")?.unwrap_or_default() } else { vec![] };
    let policy = call.text("keep_aspect_ratio_policy").unwrap_or("stretch");
    let mut all: Vec<Axis> = shape.iter().map(|&extent| Axis { input: extent, output: extent, scale: 1.0 }).collect();
    if scales.len() != of.len() && sizes.len() != of.len() {
        return Err(call.broken(format!("{} scales and {} sizes for {} axes", scales.len(), sizes.len(), of.len())));
    }
    let ratios = sizes.iter().zip(&of).map(|(&size, &axis)| size as f64 / shape[axis] as f64);
    let ratio = if policy == "not_larger" { ratios.fold(f64::MAX, f64::min) } else { ratios.fold(0.0, f64::max) };
    for (i, &axis) in of.iter().enumerate() {
        let input = shape[axis];
        let (output, scale) = match scales.get(i) {
            Some(&scale) => ((input as f64 * f64::from(scale)).floor(), f64::from(scale)),
            None if policy == "stretch" => (sizes[i] as f64, sizes[i] as f64 / input as f64),
            None => ((input as f64 * ratio).round(), ratio),
        };
        if !(1.0..1e6).contains(&output) || scale <= 0.0 {
            return Err(call.broken(format!("resizes axis {axis} from {input} to {output}")));
        }
        all[axis] = Axis { input, output: output as usize, scale };
    }
    if rank < 3 || all[..2].iter().any(|axis| axis.output != axis.input) {
        return refuse("resizes batch or channels, which is not supported");
    }
    Ok(all.split_off(2))
}

impl Axis {
    /// Where place `x` of the result lies in the image, by ONNX's names for it.
    fn place(&self, x: usize, transform: &str) -> Option<f64> {
        let (x, input, output) = (x as f64, self.input as f64, self.output as f64);
        let half = (x + 0.5) / self.scale - 0.5;
        Some(match transform {
            "half_pixel" => half,
            "pytorch_half_pixel" => {
                if self.output > 1 {
                    half
                } else {
                    0.0
                }
            }
            "half_pixel_symmetric" => {
                let adjusted = output / (self.scale * input);
                input / 2.0 * (1.0 - adjusted) + half
            }
            "asymmetric" => x / self.scale,
            "align_corners" => {
                // The extent that the scale gives counts, not the whole number of pixels below it.
                let extent = self.scale * input;
                if extent > 1.0 { x * (input - 1.0) / (extent - 1.0) } else { 0.0 }
            }
            _ => return None,
        })
    }
}

/// Which pixel a place between two takes.
fn rounded(place: f64, rounding: &str) -> f64 {
    match rounding {
        "floor" => place.floor(),
        "ceil" => place.ceil(),
        "round_prefer_ceil" => (place + 0.5).floor(),
        _ => (place - 0.5).ceil(),
    }
}

impl Way {
    /// Where the places of the result lie by TFLite's kernels.
    ///
    /// Source: TFLite `GetNearestNeighbor` and `ComputeInterpolationValues`.
    fn places(self, axis: &Axis, is_nearest: bool) -> Vec<f64> {
        let (input, output) = (axis.input as f64, axis.output as f64);
        let step = if self.align_corners && axis.output > 1 { (input - 1.0) / (output - 1.0) } else { input / output };
        let place = |x: usize| {
            let x = x as f64;
            let place = match (is_nearest, self.half_pixel_centers) {
                (true, true) => ((x + 0.5) * step).floor(),
                (true, false) if self.align_corners => (x * step).round(),
                (true, false) => (x * step).floor(),
                (false, true) => (x + 0.5) * step - 0.5,
                (false, false) => x * step,
            };
            place.clamp(0.0, input - 1.0)
        };
        (0..axis.output).map(place).collect()
    }
}
