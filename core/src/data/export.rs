//! A data set as files for other tools.
//!
//! | format | what is written |
//! | --- | --- |
//! | `wav`, `csv`, `png` | a file for each item and `labels.csv` with file, label, split, group |
//! | `edge-impulse-json`, `edge-impulse-cbor` | a file for each item, its label before the first dot |
//! | `npz` | one archive of all samples, as [`npz`](super::npz) has it |
//! | `idx` | images and labels of each split, as MNIST has them |

use std::collections::HashSet;
use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;

use super::import::edge_impulse::{self, Encoding, Recording};
use super::import::folder::descr;
use super::import::image::{self, Picture};
use super::import::{idx, text};
use super::library::file::{self, free_name, write_below};
use super::library::{Item, Kind, Library, Reader, Sample, tensors};
use super::wav::{self, Sound};
use super::{DataError, DataProblem, DataSet, Signal, Split, Values, npy};
use crate::files::write_atomically;
use crate::progress::Cancel;

/// What a data set is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is named after its format")]
pub enum Format {
    Wav,
    Csv,
    Png,
    Npz,
    Idx,
    EdgeImpulseJson,
    EdgeImpulseCbor,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Wav, Self::Csv, Self::Png, Self::Npz, Self::Idx, Self::EdgeImpulseJson, Self::EdgeImpulseCbor];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Csv => "csv",
            Self::Png => "png",
            Self::Npz => "npz",
            Self::Idx => "idx",
            Self::EdgeImpulseJson => "edge-impulse-json",
            Self::EdgeImpulseCbor => "edge-impulse-cbor",
        }
    }

    /// The format with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether all samples go into one file of this name.
    pub fn is_one_file(self) -> bool {
        self == Self::Npz
    }

    fn extension(self) -> &'static str {
        match self {
            Self::EdgeImpulseJson => "json",
            Self::EdgeImpulseCbor => "cbor",
            other => other.name(),
        }
    }
}

/// What says of each exported file what it is.
const TABLE: &str = "labels.csv";

/// Writes the data set in `folder` to `out`: a folder, or for [`Format::Npz`] a file. Says how many files were written.
/// `progress` is told how many items are done and how many there are.
///
/// # Errors
/// [`DataError`]: the samples do not do for the format, cannot be read, or `out` cannot be written.
pub fn export(
    folder: &Path,
    library: &Library,
    format: Format,
    out: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<usize, DataError> {
    match format {
        Format::Npz => {
            let set = tensors::tensors(folder, library, None, cancel)?.set;
            npz(&set).and_then(|bytes| Ok(write_atomically(out, &bytes)?)).map_err(|problem| problem.of(out))?;
            Ok(1)
        }
        Format::Idx => {
            let set = tensors::tensors(folder, library, None, cancel)?.set;
            write_idx(&set, out)
        }
        _ => write_items(folder, library, format, out, cancel, progress),
    }
}

fn write_items(
    folder: &Path,
    library: &Library,
    format: Format,
    out: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<usize, DataError> {
    let is_uploaded = matches!(format, Format::EdgeImpulseJson | Format::EdgeImpulseCbor);
    let mut reader = Reader::new(folder);
    // Told before anything is written.
    if let Some(there) = [TABLE, file::INDEX].into_iter().map(|name| out.join(name)).find(|path| path.exists()) {
        return Err(DataProblem::UnknownFormat("there is such a file already; choose another folder".into()).of(&there));
    }
    let mut taken = HashSet::from([TABLE.to_owned()]);
    let mut table = csv::Writer::from_writer(Vec::new());
    let of_table = |error: csv::Error| DataProblem::Io(std::io::Error::other(error)).of(out);
    table.write_record(["file", "label", "split", "group"]).map_err(of_table)?;
    for (done, item) in library.items.iter().enumerate() {
        progress(done, library.items.len());
        cancel.check().map_err(|cancelled| DataProblem::Cancelled(cancelled).of(folder))?;
        let sample = reader.read(library, item)?;
        let bytes = encoded(library.kind, sample, format).map_err(|problem| problem.of(&folder.join(&item.file)))?;
        let stem = if is_uploaded { uploaded_name(item) } else { name_of(item) };
        let name = free_name(&stem, format.extension(), &mut taken);
        write_below(out, &name, &bytes)?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let split = item.split.map_or("", Split::name);
        table.write_record([name.as_str(), &text(&item.label), split, &text(&item.group)]).map_err(of_table)?;
    }
    if is_uploaded {
        return Ok(library.items.len());
    }
    let table = table.into_inner().map_err(|error| DataProblem::Io(std::io::Error::other(error.to_string())).of(out))?;
    write_below(out, TABLE, &table)?;
    Ok(library.items.len() + 1)
}

/// The path of an item's file below `samples`, without its extension.
fn name_of(item: &Item) -> String {
    let path = item.file.strip_prefix("samples/").unwrap_or(&item.file);
    let stem = file::stem_of(path);
    if item.span.0 == 0 { stem.to_owned() } else { format!("{stem}-{}", item.span.0) }
}

/// `training/yes.clip-7`.
fn uploaded_name(item: &Item) -> String {
    let folder = if item.split == Some(Split::Test) { "testing" } else { "training" };
    let plain = |text: &str| text.replace(['.', '/'], "_");
    let label = item.label.as_deref().map_or("unlabelled".to_owned(), plain);
    format!("{folder}/{label}.{}", plain(&name_of(item)))
}

fn encoded(kind: Kind, sample: Sample, format: Format) -> Result<Vec<u8>, DataProblem> {
    let encoding = if format == Format::EdgeImpulseCbor { Encoding::Cbor } else { Encoding::Json };
    match (format, sample) {
        (Format::Wav, Sample::Signal(signal)) => wav::write(&sound_of(signal)?),
        (Format::Csv, Sample::Signal(signal)) => Ok(text::csv(&signal).into_bytes()),
        (Format::Png, Sample::Array { shape, values: Values::U8(pixels) }) => {
            let (height, width, channels) = match shape.as_slice() {
                [height, width] => (*height, *width, 1),
                [height, width, channels] => (*height, *width, *channels),
                other => return Err(DataProblem::Unlike(format!("its shape {other:?} is no picture"))),
            };
            image::png(&Picture { height, width, channels, pixels: pixels.to_vec() })
        }
        (Format::EdgeImpulseJson | Format::EdgeImpulseCbor, Sample::Signal(signal)) => {
            let is_sound = kind == Kind::Sound;
            let recording = if is_sound { Recording::Sound(sound_of(signal)?) } else { Recording::Series(signal) };
            edge_impulse::write(&recording, encoding)
        }
        (format, sample) => {
            let what = match sample {
                Sample::Signal(_) => "a recording",
                Sample::Array { values: Values::U8(_), .. } => "a picture or array of bytes",
                Sample::Array { .. } => "an array",
            };
            Err(DataProblem::Unlike(format!("it is {what}, which {} files cannot hold; choose another format", format.name())))
        }
    }
}

fn sound_of(signal: Signal) -> Result<Sound, DataProblem> {
    let rate_hz = signal.rate_hz.map(f64::round).filter(|rate| (1.0..=f64::from(u32::MAX)).contains(rate));
    let rate_hz = rate_hz.ok_or_else(|| DataProblem::Unlike("its rate is not known; import it again with --rate".into()))?;
    Ok(Sound { rate_hz: rate_hz as u32, n_channels: signal.axes.len(), samples: signal.values })
}

/// What is known of each sample beside what a [`DataSet`] holds: not for this program, but for those who train.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// What it must not be parted from, as `group`; empty if that is not known.
    pub groups: &'a [String],
    /// When it began, as `time_ms`; empty if that is not known.
    pub times_ms: &'a [f64],
}

/// An archive that [`npz`](super::npz) and numpy read.
///
/// # Errors
/// [`DataProblem::Io`]: larger than an archive may be.
pub fn npz(set: &DataSet) -> Result<Vec<u8>, DataProblem> {
    npz_with(set, Beside::default())
}

/// The same, with what is known beside.
///
/// # Errors
/// As [`npz`].
pub fn npz_with(set: &DataSet, beside: Beside<'_>) -> Result<Vec<u8>, DataProblem> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, descr: &str, shape: &[usize], bytes: &[u8]| -> Result<(), DataProblem> {
        let large = bytes.len() > u32::MAX as usize;
        let of_zip = |error: zip::result::ZipError| DataProblem::Io(std::io::Error::other(error));
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default().large_file(large)).map_err(of_zip)?;
        let mut file = Vec::with_capacity(bytes.len() + 128);
        npy::write(&mut file, descr, shape, bytes)?;
        Ok(archive.write_all(&file)?)
    };
    let n = set.n_samples();
    for input in set.arrays() {
        add(&input.array, descr(&input.values), &[&[n], input.sample_shape.as_slice()].concat(), input.values.bytes())?;
    }
    if let Some(labels) = &set.labels {
        let bytes: Vec<u8> = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
        add("y", "<i8", &[n], &bytes)?;
    }
    if !set.label_names.is_empty() {
        let (descr, bytes) = texts(set.label_names.iter().map(String::as_str));
        add("labels", &descr, &[set.label_names.len()], &bytes)?;
    }
    if let Some(splits) = &set.splits {
        let (descr, bytes) = texts(splits.iter().map(|split| split.name()));
        add("split", &descr, &[n], &bytes)?;
    }
    if !beside.groups.is_empty() {
        let (descr, bytes) = texts(beside.groups.iter().map(String::as_str));
        add("group", &descr, &[n], &bytes)?;
    }
    if !beside.times_ms.is_empty() {
        add("time_ms", "<f8", &[n], &beside.times_ms.iter().flat_map(|time| time.to_le_bytes()).collect::<Vec<u8>>())?;
    }
    if set.arrays().any(|input| input.scale.is_some()) {
        // Of real numbers it means nothing.
        let scales: Vec<u8> = set.arrays().flat_map(|input| input.scale.unwrap_or(1.0).to_le_bytes()).collect();
        let zero_points: Vec<u8> = set.arrays().flat_map(|input| input.zero_point.to_le_bytes()).collect();
        let shape = if set.more.is_empty() { vec![] } else { vec![set.more.len() + 1] };
        add("scale", "<f4", &shape, &scales)?;
        add("zero_point", "<i4", &shape, &zero_points)?;
    }
    let of_zip = |error: zip::result::ZipError| DataProblem::Io(std::io::Error::other(error));
    Ok(archive.finish().map_err(of_zip)?.into_inner())
}

/// Texts as numpy's array of unicode strings: its type and its bytes.
fn texts<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> (String, Vec<u8>) {
    let longest = texts.clone().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let padded = |text: &'a str| text.chars().chain(std::iter::repeat('\0')).take(longest);
    let bytes = texts.flat_map(padded).flat_map(|c| (c as u32).to_le_bytes()).collect();
    (format!("<U{longest}"), bytes)
}

/// Images and labels of each split, and how many files that makes.
fn write_idx(set: &DataSet, out: &Path) -> Result<usize, DataError> {
    let unlike = |trouble: &str| DataProblem::Unlike(trouble.into()).of(out);
    let Values::U8(values) = &set.values else {
        return Err(unlike("its samples are no unsigned bytes, which IDX files hold; choose npz"));
    };
    let mut n_files = 0;
    for (split, name) in [(Split::Train, "train"), (Split::Calibration, "calibration"), (Split::Test, "t10k")] {
        let is_of = |sample: &usize| set.splits.as_deref().map_or(Split::Train, |splits| splits[*sample]) == split;
        let samples: Vec<usize> = (0..set.n_samples()).filter(is_of).collect();
        if samples.is_empty() {
            continue;
        }
        let len = set.sample_len();
        let bytes: Vec<u8> = samples.iter().flat_map(|&i| &values[i * len..][..len]).copied().collect();
        // A picture of one channel has no axis for it there.
        let sides = set.sample_shape.strip_suffix(&[1]).filter(|sides| sides.len() == 2).unwrap_or(&set.sample_shape);
        let shape = [&[samples.len()], sides].concat();
        let images = idx::write(&shape, &bytes).map_err(|problem| problem.of(out))?;
        write_below(out, &format!("{name}-images-idx{}-ubyte", shape.len()), &images)?;
        n_files += 1;
        if let Some(labels) = &set.labels {
            let classes: Result<Vec<u8>, _> = samples.iter().map(|&i| labels[i].try_into()).collect();
            let classes = classes.map_err(|_| unlike("it has more than 256 classes; choose npz"))?;
            let classes = idx::write(&[classes.len()], &classes).map_err(|problem| problem.of(out))?;
            write_below(out, &format!("{name}-labels-idx1-ubyte"), &classes)?;
            n_files += 1;
        }
    }
    Ok(n_files)
}
