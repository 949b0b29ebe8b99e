//! A data set as one `.npz` archive, as `numpy.savez` and `numpy.savez_compressed` write it.
//!
//! | array | shape | what |
//! | --- | --- | --- |
//! | `x` | `[samples, …]` | the samples |
//! | `y` | `[samples]` | index of each sample's class (optional) |
//! | `labels` | `[classes]` | names of the classes (optional) |
//! | `split` | `[samples]` | `train`, `calibration` or `test` (optional) |
//! | `scale`, `zero_point` | `[]` or `[1]` | for integer `x`: `real = (x - zero_point) * scale` (optional) |
//!
//! Other arrays are not read. Where there is no `x`, the samples are the only array of more than one axis, and class indices may stand
//! in `labels`, as other people's archives have them.

use std::io::{Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;

use super::npy::{self, Array, Elements};
use super::{DataProblem, DataSet, Split, Values, samples_from};

/// An array may inflate to so many times the length of the archive, for archives above [`FREE_BYTES`].
const MAX_INFLATION: u64 = 20;

/// Below this an array may inflate as it likes.
const FREE_BYTES: u64 = 64 << 20;

/// Reads an archive.
///
/// # Errors
/// What is wrong with the archive, or with which array of it.
pub fn read(name: String, bytes: &[u8], hash: [u8; 32]) -> Result<DataSet, DataProblem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| DataProblem::Malformed(e.to_string()))?;
    let limit = (bytes.len() as u64).saturating_mul(MAX_INFLATION).max(FREE_BYTES);
    let Some(x) = samples(&mut archive, limit)? else {
        let names: Vec<String> = names(&archive).take(8).collect();
        return Err(trouble("x", format!("is missing; the archive holds {}", names.join(", "))));
    };
    let mut array = |array: &str| member(&mut archive, array, limit);
    let scale = array("scale")?.map(|a| number("scale", a)).transpose()?;
    let zero_point = array("zero_point")?.map(|a| number("zero_point", a)).transpose()?.unwrap_or(0.0);
    if scale.is_some_and(|s| !s.is_finite() || s <= 0.0) {
        return Err(trouble("scale", "is not a positive number"));
    }
    if zero_point.fract() != 0.0 || zero_point.abs() > f64::from(i16::MAX) {
        return Err(trouble("zero_point", format!("is {zero_point}, expected an integer of at most 16 bits")));
    }
    let (scale, zero_point) = (scale.map(|s| s as f32), zero_point as i32);

    let (values, sample_shape) = samples_from(x, scale.map(|scale| (scale, zero_point)))?;
    // Real numbers have no scale: it was applied to wide integers, and means nothing for floats.
    let scale = scale.filter(|_| !matches!(values, Values::F32(_)));
    let mut set = DataSet {
        scale,
        zero_point: if scale.is_some() { zero_point } else { 0 },
        ..DataSet::plain(name, sample_shape, values, hash)
    };
    let n_samples = set.n_samples();
    set.labels = array("y")?.map(|a| classes("y", a, n_samples)).transpose()?;
    match array("labels")? {
        Some(labels) if set.labels.is_none() && labels.elements.to_f64().is_some() => {
            set.labels = Some(classes("labels", labels, n_samples)?);
        }
        labels => set.label_names = labels.map(label_names).transpose()?.unwrap_or_default(),
    }
    set.splits = array("split")?.map(|a| splits(a, n_samples)).transpose()?;
    let highest = set.labels.as_deref().and_then(|labels| labels.iter().max());
    if let Some(&highest) = highest.filter(|&&highest| !set.label_names.is_empty() && highest as usize >= set.label_names.len()) {
        return Err(trouble("y", format!("names class {highest}, but labels has {} names", set.label_names.len())));
    }
    Ok(set)
}

fn trouble(array: &str, trouble: impl Into<String>) -> DataProblem {
    DataProblem::Array { array: array.to_owned(), trouble: trouble.into() }
}

fn names<'a>(archive: &'a ZipArchive<Cursor<&[u8]>>) -> impl Iterator<Item = String> + 'a {
    archive.file_names().flatten().map(|name| name.trim_end_matches(".npy").to_owned())
}

/// The samples: `x`, or else the only array of more than one axis.
fn samples(archive: &mut ZipArchive<Cursor<&[u8]>>, limit: u64) -> Result<Option<Array>, DataProblem> {
    /// An archive of samples has no more arrays than these.
    const MOST: usize = 16;
    if let Some(x) = member(archive, "x", limit)? {
        return Ok(Some(x));
    }
    let names: Vec<String> = names(archive).take(MOST).collect();
    let mut found = None;
    for name in names {
        let array = member(archive, &name, limit)?.filter(|array| array.shape.len() > 1);
        if array.is_some() && found.is_some() {
            return Ok(None);
        }
        found = found.or(array);
    }
    Ok(found)
}

/// The array of this name; `None` if the archive has none.
fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Option<Array>, DataProblem> {
    let Some(index) = archive.index_for_name(&format!("{name}.npy")) else { return Ok(None) };
    let file = archive.by_index(index).map_err(|e| trouble(name, format!("cannot be read: {e}")))?;
    // The length that the archive declares may lie: it is a hint, the reader is limited.
    let mut bytes = Vec::with_capacity(file.size().min(FREE_BYTES) as usize);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|e| trouble(name, format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > limit {
        return Err(trouble(name, format!("inflates to more than {limit} bytes; save it with numpy.savez, uncompressed")));
    }
    npy::read(&bytes).map(Some).map_err(|problem| match problem {
        DataProblem::Malformed(what) => trouble(name, format!("is not a sound array: {what}")),
        other => other,
    })
}

fn number(name: &str, array: Array) -> Result<f64, DataProblem> {
    match array.elements.to_f64().as_deref() {
        Some([number]) => Ok(*number),
        _ => Err(trouble(name, format!("has shape {:?} of {}, expected one number", array.shape, array.elements.type_name()))),
    }
}

fn classes(name: &str, array: Array, n_samples: usize) -> Result<Arc<[u32]>, DataProblem> {
    if array.shape != [n_samples] {
        return Err(trouble(name, format!("has shape {:?}, expected [{n_samples}], a class for each sample", array.shape)));
    }
    let numbers = array.elements.to_f64().ok_or_else(|| trouble(name, "holds text, expected class indices"))?;
    let class = |(i, &y): (usize, &f64)| {
        let is_index = y.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&y);
        if is_index { Ok(y as u32) } else { Err(trouble(name, format!("holds {y} for sample {i}, expected a class index"))) }
    };
    numbers.iter().enumerate().map(class).collect()
}

fn label_names(array: Array) -> Result<Vec<String>, DataProblem> {
    match (array.elements, array.shape.len()) {
        (Elements::Text(names), 1) => Ok(names),
        (other, _) => {
            Err(trouble("labels", format!("has shape {:?} of {}, expected [classes] of text", array.shape, other.type_name())))
        }
    }
}

fn splits(array: Array, n_samples: usize) -> Result<Arc<[Split]>, DataProblem> {
    let Elements::Text(names) = array.elements else {
        return Err(trouble("split", format!("holds {}, expected text", array.elements.type_name())));
    };
    if array.shape != [n_samples] {
        return Err(trouble("split", format!("has shape {:?}, expected [{n_samples}]", array.shape)));
    }
    let split = |(i, name): (usize, &String)| {
        Split::named(name).ok_or_else(|| {
            trouble("split", format!("holds \"{}\" for sample {i}, expected train, calibration or test", name.escape_debug()))
        })
    };
    names.iter().enumerate().map(split).collect()
}
