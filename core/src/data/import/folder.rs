//! From files of any format to a data set in a folder.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::labels::{LabelSource, Said};
use super::sources::{Found, Sources, listed, only};
use super::text::Noise;
use super::{Decoded, Raw, decode, idx, image, text};
use crate::data::library::file::{free_name, stem_of, write_below};
use crate::data::library::{INDEX, Item, Kind, Library, Window};
use crate::data::npy;
use crate::data::wav::{self, Sound};
use crate::data::{Axis, DataError, DataProblem, DataSet, Signal, Split, Values, read_limited};
use crate::progress::Cancel;

/// The folder of a data set that holds its samples.
const SAMPLES: &str = "samples";
/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is read; other files are left alone. `None` for whatever the first file is.
    pub kind: Option<Kind>,
    /// Where labels come from.
    pub labels: LabelSource,
    /// The classes in the order of the model's outputs; those that are not named here come after them.
    pub class_names: Vec<String>,
    /// What files hold, if they are headerless numbers.
    pub raw: Option<Raw>,
    /// What to do with lines of text that hold no numbers.
    pub noise: Noise,
    /// Instants a second of recordings that do not tell.
    pub rate_hz: Option<f64>,
    /// How recordings become samples.
    pub window: Option<Window>,
}

/// A data set that was made.
#[derive(Debug)]
pub struct Imported {
    /// Its index.
    pub library: Library,
    /// Files that could not be read, and why.
    pub refused: Vec<DataError>,
    /// What the user should know, a sentence each.
    pub notes: Vec<String>,
}

/// Reads a file, or all files of a folder, and writes them as a data set into the folder `out`, which is made. `progress` is told
/// how many files are done and how many there are. A file of a folder that cannot be read is left out and told.
///
/// # Errors
/// [`DataError`]: there is a data set in `out` already; nothing could be read; `out` cannot be written; cancelled.
pub fn import(
    source: &Path,
    out: &Path,
    options: &Options,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Imported, DataError> {
    if out.join(INDEX).exists() {
        let trouble = "there is a data set already; choose another folder";
        return Err(DataProblem::UnknownFormat(trouble.into()).of(out));
    }
    let files = if source.is_dir() { listed(source).map_err(|p| p.of(source))? } else { vec![only(source)] };
    let sources = Sources::new(source, &files, options)?;
    let name = source.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut importer = Importer {
        out,
        options,
        library: options.kind.map(|kind| Library::new(kind, &name)),
        name,
        taken: HashSet::new(),
        rates: Vec::new(),
        left_out: 0,
    };
    let mut refused = Vec::new();
    for (done, file) in files.iter().enumerate() {
        progress(done, files.len());
        cancel.check().map_err(|cancelled| DataProblem::Cancelled(cancelled).of(source))?;
        if sources.is_table(file) {
            continue;
        }
        match importer.add(file, &sources) {
            Ok(()) => {}
            // The disk is full, or the folder read-only: so it is for all that follow.
            Err(Refusal::Writing(error)) => return Err(error),
            Err(Refusal::Reading(problem)) => refused.push(problem.of(&file.path)),
        }
    }
    importer.finish(source, refused)
}

/// Why a file is not taken.
enum Refusal {
    Reading(DataProblem),
    Writing(DataError),
}

impl From<DataProblem> for Refusal {
    fn from(problem: DataProblem) -> Self {
        Self::Reading(problem)
    }
}

struct Importer<'a> {
    out: &'a Path,
    options: &'a Options,
    name: String,
    /// `None` until it is known what the samples are.
    library: Option<Library>,
    /// Files that were written.
    taken: HashSet<String>,
    /// Of recordings, where it is known.
    rates: Vec<f64>,
    left_out: usize,
}

impl Importer<'_> {
    fn add(&mut self, file: &Found, sources: &Sources) -> Result<(), Refusal> {
        let bytes = read_limited(&file.path)?;
        let mut decoded = decode(&bytes, self.options.noise, self.options.raw.as_ref())?;
        let kind = decoded.kind();
        let library = self.library.get_or_insert_with(|| Library::new(kind, &self.name));
        if library.kind != kind {
            let (this, set) = (kind.name(), library.kind.name());
            let trouble =
                format!("its samples are of kind {this}, the set is of kind {set}; import it by itself with --kind {this}");
            return Err(DataProblem::Unlike(trouble).into());
        }
        if let Decoded::Arrays(set) = &mut decoded {
            with_labels_beside(set, file)?;
        }
        let mut said = sources.said_of(file, self.options);
        if super::edge_impulse::encoding_of(&bytes).is_some() {
            said = said.or(by_uploader(&file.relative));
        }
        let stem = stem_of(&file.relative);
        match decoded {
            Decoded::Sound(sound) => {
                self.rates.push(sound.rate_hz.into());
                let n = (sound.samples.len() / sound.n_channels) as u64;
                let is_wav = bytes.starts_with(b"RIFF");
                let file = if is_wav { bytes } else { wav::write(&sound)? };
                let axes = Signal::from(Sound { samples: Vec::new(), ..sound }).axes;
                self.store(stem, "wav", &file, &axes, said, &[(0, n)])
            }
            Decoded::Series { signals, left_out } => {
                self.left_out += left_out;
                self.add_series(stem, signals, &said)
            }
            Decoded::Picture(picture) => self.store(stem, "png", &image::png(&picture)?, &[], said, &[(0, 1)]),
            Decoded::Arrays(set) => self.add_arrays(stem, &set, &said),
        }
    }

    fn add_series(&mut self, stem: &str, signals: Vec<Signal>, said: &Said) -> Result<(), Refusal> {
        let is_log = signals.len() > 1;
        for (index, mut signal) in signals.into_iter().enumerate() {
            signal.rate_hz = signal.rate_hz.or(self.options.rate_hz);
            let n = signal.n_instants();
            if signal.times_ms.is_none() {
                // So that the file tells its rate.
                signal.times_ms = signal.rate_hz.map(|rate_hz| (0..n).map(|i| i as f64 * 1000.0 / rate_hz).collect());
            }
            self.rates.extend(signal.rate_hz);
            let mut said = said.clone();
            let mut name = stem.to_owned();
            if is_log {
                // Recorded in one go, by one person.
                said.group = said.group.or_else(|| Some(stem.to_owned()));
                name = format!("{stem}-{:03}", index + 1);
            }
            self.store(&name, "csv", text::csv(&signal).as_bytes(), &signal.axes, said, &[(0, n as u64)])?;
        }
        Ok(())
    }

    fn add_arrays(&mut self, stem: &str, set: &DataSet, said: &Said) -> Result<(), Refusal> {
        if !set.more.is_empty() {
            let names = set.arrays().map(|set| set.array.as_str()).collect::<Vec<_>>().join(", ");
            let trouble =
                format!("it holds the samples of several inputs, {names}: a folder holds those of one; use the file as it is");
            return Err(DataProblem::Unlike(trouble).into());
        }
        let n = set.n_samples();
        if let Some(library) = self.library.as_mut() {
            if library.items.is_empty() {
                (library.scale, library.zero_point) = (set.scale, set.zero_point);
            }
            if (library.scale, library.zero_point) != (set.scale, set.zero_point) {
                return Err(DataProblem::Unlike("its integers have another scale than those before it".into()).into());
            }
            if library.labels.is_empty() {
                library.labels.clone_from(&set.label_names);
            }
        }
        let shape = [&[n], set.sample_shape.as_slice()].concat();
        let mut file = Vec::new();
        npy::write(&mut file, descr(&set.values), &shape, set.values.bytes()).map_err(DataProblem::Io)?;
        let rows: Vec<(u64, u64)> = (0..n as u64).map(|row| (row, row + 1)).collect();
        let first = self.library.as_ref().map_or(0, |library| library.items.len());
        self.store(stem, "npy", &file, &[], said.clone(), &rows)?;
        let items = self.library.iter_mut().flat_map(|library| &mut library.items[first..]);
        for (row, item) in items.enumerate() {
            let item = Arc::make_mut(item);
            let class = set.labels.as_deref().map(|labels| labels[row]);
            let name = |class: u32| set.label_names.get(class as usize).cloned().unwrap_or_else(|| class.to_string());
            item.label = item.label.take().or_else(|| class.map(name));
            item.split = item.split.or_else(|| set.splits.as_deref().map(|splits| splits[row]));
        }
        Ok(())
    }

    /// Writes a file and lists its items.
    fn store(
        &mut self,
        stem: &str,
        extension: &str,
        bytes: &[u8],
        axes: &[Axis],
        said: Said,
        spans: &[(u64, u64)],
    ) -> Result<(), Refusal> {
        let Some(library) = self.library.as_mut() else { return Ok(()) };
        if library.items.is_empty() {
            library.axes = axes.to_vec();
        }
        if library.axes.len() != axes.len() {
            let trouble = format!("it has {} axes or channels, those before it {}", axes.len(), library.axes.len());
            return Err(DataProblem::Unlike(trouble).into());
        }
        if spans.iter().any(|span| span.0 == span.1) {
            return Err(DataProblem::Unlike("it is empty".into()).into());
        }
        let file = free_name(&format!("{SAMPLES}/{stem}"), extension, &mut self.taken);
        write_below(self.out, &file, bytes).map_err(Refusal::Writing)?;
        library.items.extend(spans.iter().map(|&span| {
            let Said { label, split, group } = said.clone();
            Arc::new(Item { file: file.clone(), span, label, split, group, note: String::new() })
        }));
        Ok(())
    }

    fn finish(mut self, source: &Path, mut refused: Vec<DataError>) -> Result<Imported, DataError> {
        let filled = self.library.take().filter(|library| !library.items.is_empty());
        let Some(mut library) = filled else {
            return Err(match refused.len() {
                0 => DataProblem::Unlike("there are no files with samples in it".into()).of(source),
                1 => refused.remove(0),
                n => DataProblem::Unlike(format!("none of its {n} files can be read; the first: {}", refused[0])).of(source),
            });
        };
        let mut notes = Vec::new();
        self.rates.sort_by(f64::total_cmp);
        library.rate_hz = self.rates.get(self.rates.len() / 2).copied();
        if let Some((low, high)) = self.rates.first().zip(self.rates.last()).filter(|(low, high)| **high > **low * 1.05) {
            notes.push(format!("rates differ: {low:.1} to {high:.1} Hz"));
        }
        if library.kind == Kind::Series && self.rates.is_empty() {
            notes.push("the rate is not known; say it with --rate".into());
        }
        if self.left_out > 0 {
            notes.push(format!("{} lines that hold no row of numbers were left out", self.left_out));
        }
        let named = std::mem::take(&mut library.labels);
        let mut labels = self.options.class_names.clone();
        labels.extend(named.into_iter().filter(|label| !self.options.class_names.contains(label)));
        library.labels = labels;
        library.complete_labels();
        library.window = self.options.window;
        library.save(self.out)?;
        Ok(Imported { library, refused, notes })
    }
}

/// Labels of an IDX file of images, from the file beside it.
fn with_labels_beside(set: &mut DataSet, file: &Found) -> Result<(), DataProblem> {
    let name = file.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let Some(labels) = idx::labels_name(&name).map(|labels| file.path.with_file_name(labels)).filter(|path| path.is_file())
    else {
        return Ok(());
    };
    let Decoded::Arrays(beside) = decode(&read_limited(&labels)?, Noise::Refuse, None)? else { return Ok(()) };
    let n = set.n_samples();
    let classes = beside.values.reals();
    let is_class = |class: &f32| class.fract() == 0.0 && (0.0..=f32::from(u16::MAX)).contains(class);
    if !classes.iter().all(is_class) {
        return Err(DataProblem::Unlike(format!("{} holds no classes, which are whole numbers from 0", labels.display())));
    }
    if classes.len() != n {
        let trouble = format!("{} holds {} labels for its {n} samples", labels.display(), classes.len());
        return Err(DataProblem::Unlike(trouble));
    }
    set.labels = Some(classes.iter().map(|&class| class as u32).collect());
    set.splits = set.splits.take().or_else(|| idx::split_of(&name).map(|split: Split| vec![split; n].into()));
    Ok(())
}

/// What Edge Impulse's uploader takes a name for: `yes.1.json`.
fn by_uploader(relative: &str) -> Said {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let label = name.split_once('.').filter(|(_, rest)| rest.contains('.')).map(|(label, _)| label.to_owned());
    Said { label, split: None, group: None }
}

/// NumPy's name of the type of values.
pub(crate) fn descr(values: &Values) -> &'static str {
    match values {
        Values::F32(_) => "<f4",
        Values::I8(_) => "|i1",
        Values::U8(_) => "|u1",
        Values::I16(_) => "<i2",
    }
}
