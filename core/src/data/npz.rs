//! A data set as one `.npz` archive, as `numpy.savez` and `numpy.savez_compressed` write it.
//!
//! | array | shape | what |
//! | --- | --- | --- |
//! | `x` | `[samples, …]` | the samples |
//! | `x0`, `x1`, … | `[samples, …]` each | in place of `x`, for a model of several inputs: what each takes, in their order |
//! | `y` | `[samples]` | index of each sample's class (optional) |
//! | `labels` | `[classes]` | names of the classes (optional) |
//! | `split` | `[samples]` | `train`, `calibration` or `test` (optional) |
//! | `scale`, `zero_point` | `[]`, `[1]` or `[inputs]` | for integer `x`: `real = (x - zero_point) * scale` (optional) |
//! | `group`, `time_ms` | `[samples]` | written for those who train: what must not be parted, when each began; not read |
//!
//! Other arrays are not read. Where there is neither `x` nor `x1`, the samples are the only array of more than one axis, and class
//! indices may stand in `labels`, as other people's archives have them. Several such arrays feed a model's inputs, by their names or
//! else in their order.

use std::io::{Cursor, Read};
use std::sync::Arc;

use zip::ZipArchive;

use super::npy::{self, Array, Elements};
use super::{DataProblem, DataSet, Split, Values, samples_from};

/// An array may inflate to so many times the length of the archive, for archives above [`FREE_BYTES`].
const MAX_INFLATION: u64 = 20;

/// Below this an array may inflate as it likes.
const FREE_BYTES: u64 = 64 << 20;

/// An archive has no more arrays of samples than these.
const MOST_ARRAYS: usize = 16;

/// Arrays that are no samples, however many axes they have.
const NO_SAMPLES: [&str; 5] = ["y", "labels", "split", "scale", "zero_point"];

/// Reads an archive.
///
/// # Errors
/// What is wrong with the archive, or with which array of it.
pub fn read(name: String, bytes: &[u8], hash: [u8; 32]) -> Result<DataSet, DataProblem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| DataProblem::Malformed(e.to_string()))?;
    let limit = (bytes.len() as u64).saturating_mul(MAX_INFLATION).max(FREE_BYTES);
    let arrays = samples(&mut archive, limit)?;
    let mut array = |array: &str| member(&mut archive, array, limit);
    let meanings = meanings(array("scale")?, array("zero_point")?, arrays.len())?;
    let mut inputs = Vec::with_capacity(arrays.len());
    for ((array, x), meaning) in arrays.into_iter().zip(meanings) {
        let (values, sample_shape) = samples_from(&array, x, meaning)?;
        // Real numbers have no scale: it was applied to wide integers, and means nothing for floats.
        let meaning = meaning.filter(|_| !matches!(values, Values::F32(_)));
        let (scale, zero_point) = (meaning.map(|(scale, _)| scale), meaning.map_or(0, |(_, zero_point)| zero_point));
        inputs.push(DataSet { array, scale, zero_point, ..DataSet::plain(name.clone(), sample_shape, values, hash) });
    }
    let mut set = together(inputs)?;
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

/// One set of what each input takes.
///
/// # Errors
/// [`DataProblem::Array`]: an array of more or fewer samples than the first.
pub(super) fn together(inputs: Vec<DataSet>) -> Result<DataSet, DataProblem> {
    let mut inputs = inputs.into_iter();
    let first = inputs.next().ok_or_else(|| trouble("x", "is missing"))?;
    let more: Vec<DataSet> = inputs.collect();
    let n = first.n_samples();
    if let Some(other) = more.iter().find(|other| other.n_samples() != n) {
        let (found, first) = (other.n_samples(), &first.array);
        let remedy = "give every input a row for each sample, or call the samples of a model's only input x";
        return Err(trouble(&other.array, format!("has {found} rows, expected {n} as \"{first}\" has; {remedy}")));
    }
    Ok(DataSet { more, ..first })
}

fn trouble(array: &str, trouble: impl Into<String>) -> DataProblem {
    DataProblem::Array { array: array.to_owned(), trouble: trouble.into() }
}

/// The names of the arrays, but for those that would break a message.
fn names<'a>(archive: &'a ZipArchive<Cursor<&[u8]>>) -> impl Iterator<Item = String> + 'a {
    let names = archive.file_names().flatten().map(|name| name.trim_end_matches(".npy").to_owned());
    names.filter(|name| !name.chars().any(char::is_control))
}

/// The samples, with the names of their arrays: `x`; or `x0`, `x1`, …; or else every array of more than one axis.
///
/// # Errors
/// [`DataProblem::Array`]: there are none, or one of the numbered ones is missing.
fn samples(archive: &mut ZipArchive<Cursor<&[u8]>>, limit: u64) -> Result<Vec<(String, Array)>, DataProblem> {
    if let Some(x) = member(archive, "x", limit)? {
        return Ok(vec![("x".to_owned(), x)]);
    }
    let names: Vec<String> = names(archive).collect();
    let held = || names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
    let is_numbered = |i: usize| names.iter().any(|name| *name == format!("x{i}"));
    let last = (1..MOST_ARRAYS).rfind(|i| is_numbered(*i));
    let wanted: Vec<String> = match last {
        Some(last) => (0..=last).map(|i| format!("x{i}")).collect(),
        None => names.iter().filter(|name| !NO_SAMPLES.contains(&name.as_str())).take(MOST_ARRAYS).cloned().collect(),
    };
    let mut found = Vec::new();
    let mut left = limit;
    for name in wanted {
        match member(archive, &name, left)? {
            // What text takes is not counted below; it is let go before the next array.
            Some(Array { elements: Elements::Text(_), .. }) if last.is_some() => {
                return Err(trouble(&name, "holds text, expected numbers"));
            }
            Some(Array { elements: Elements::Text(_), .. }) => {}
            Some(array) if last.is_some() || array.shape.len() > 1 => {
                // Together they may inflate as one array may.
                left = left.saturating_sub(array.elements.n_bytes());
                found.push((name, array));
            }
            None if last.is_some() => return Err(trouble(&name, format!("is missing; the archive holds {}", held()))),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(trouble("x", format!("is missing; the archive holds {}", held())));
    }
    Ok(found)
}

/// What the integers of each of `n` inputs mean, scale and zero point; `None` where nothing is said.
fn meanings(scale: Option<Array>, zero_point: Option<Array>, n: usize) -> Result<Vec<Option<(f32, i32)>>, DataProblem> {
    let scales = scale.map(|array| numbers("scale", array, n)).transpose()?;
    let zero_points = zero_point.map(|array| numbers("zero_point", array, n)).transpose()?.unwrap_or(vec![0.0; n]);
    if scales.iter().flatten().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(trouble("scale", "is not a positive number"));
    }
    if let Some(wrong) = zero_points.iter().find(|z| z.fract() != 0.0 || z.abs() > f64::from(i16::MAX)) {
        return Err(trouble("zero_point", format!("is {wrong}, expected an integer of at most 16 bits")));
    }
    let Some(scales) = scales else { return Ok(vec![None; n]) };
    Ok(scales.into_iter().zip(zero_points).map(|(scale, zero_point)| Some((scale as f32, zero_point as i32))).collect())
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

/// A number for each of `n` inputs; one is that of all.
fn numbers(name: &str, array: Array, n: usize) -> Result<Vec<f64>, DataProblem> {
    match array.elements.to_f64() {
        Some(numbers) if numbers.len() == n => Ok(numbers),
        Some(numbers) if numbers.len() == 1 => Ok(vec![numbers[0]; n]),
        _ => {
            let expected = if n == 1 { "one number".to_owned() } else { format!("one number, or one for each of {n} inputs") };
            Err(trouble(name, format!("has shape {:?} of {}, expected {expected}", array.shape, array.elements.type_name())))
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::export;

    fn input(array: &str, shape: &[usize], values: Values, scale: Option<f32>) -> DataSet {
        let set = DataSet::plain("both".into(), shape.to_vec(), values, [0; 32]);
        DataSet { array: array.into(), scale, zero_point: if scale.is_some() { 3 } else { 0 }, ..set }
    }

    /// Three samples of two values and of one.
    fn both(names: [&str; 2]) -> DataSet {
        let more = vec![input(names[1], &[1], Values::I8([-1, 0, 1].into()), Some(0.5))];
        let first = input(names[0], &[2, 1], Values::F32([1., 2., 3., 4., 5., 6.].into()), None);
        let splits = [Split::Train, Split::Test, Split::Test];
        DataSet { more, labels: Some([0, 1, 0].into()), splits: Some(splits.into()), ..first }
    }

    fn read_back(set: &DataSet) -> Result<DataSet, DataProblem> {
        read("both".into(), &export::npz(set)?, [0; 32])
    }

    fn says(set: &DataSet, words: &[&str]) {
        let text = read_back(set).expect_err("it is refused").to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }

    #[test]
    fn what_several_inputs_take_comes_back() {
        for names in [["x0", "x1"], ["sound", "motion"]] {
            let set = both(names);
            assert_eq!(read_back(&set).unwrap(), set);
        }
        // One array is one input, whatever it is called.
        let one = DataSet { more: vec![], ..both(["x0", ""]) };
        assert_eq!(read_back(&one).unwrap(), one);
    }

    #[test]
    fn one_scale_is_that_of_all_and_none_of_real_numbers() {
        let set = DataSet { values: Values::U8([1, 2, 3, 4, 5, 6].into()), ..both(["x0", "x1"]) };
        let set = DataSet { scale: Some(0.5), zero_point: 3, ..set };
        let back = read_back(&set).unwrap();
        assert_eq!(back.arrays().map(|a| (a.scale, a.zero_point)).collect::<Vec<_>>(), [(Some(0.5), 3); 2]);
        let all = meanings(Some(Array { shape: vec![], elements: Elements::F32(vec![0.25]) }), None, 2).unwrap();
        assert_eq!(all, [Some((0.25, 0)); 2]);
        let three = Array { shape: vec![3], elements: Elements::F32(vec![0.25; 3]) };
        assert!(meanings(Some(three), None, 2).unwrap_err().to_string().contains("one for each of 2 inputs"));
    }

    #[test]
    fn text_is_no_sample() {
        let archive = |arrays: &[(&str, &str)]| {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, descr) in arrays {
                writer.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
                npy::write(&mut writer, descr, &[2, 2], &[0; 16]).unwrap();
            }
            read("words".into(), &writer.finish().unwrap().into_inner(), [0; 32])
        };
        let set = archive(&[("words", "<U1"), ("motion", "<f4")]).unwrap();
        assert_eq!((set.array.as_str(), set.more.len()), ("motion", 0));
        let refused = archive(&[("x0", "<f4"), ("x1", "<U1")]).unwrap_err().to_string();
        assert!(refused.contains("\"x1\" holds text, expected numbers"), "{refused}");
    }

    #[test]
    fn arrays_that_do_not_go_together_are_refused_by_name() {
        says(&both(["x0", "x2"]), &["\"x1\" is missing", "holds x0, x2"]);
        says(&both(["a", "x1"]), &["\"x0\" is missing"]);
        let mut uneven = both(["x0", "x1"]);
        uneven.more[0].values = Values::I8([1, 2].into());
        let text = together(uneven.arrays().cloned().collect()).unwrap_err().to_string();
        assert!(text.contains("\"x1\" has 2 rows, expected 3 as \"x0\" has"), "{text}");
    }
}
