//! What single panels need and nobody else does, computed while such a panel is on screen: facts about the source, a dry run of the
//! export, one sample run through both models. Each takes a fraction of a second.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use tinsmith_core::data::{DataProblem, DataSet};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::graph::Graph;
use tinsmith_core::measure::device::Device;
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::{Inputs, Job, Source, Target, firmware_files, views};
use tinsmith_core::progress::Cancel;

use super::coverage::RangesSeen;
use super::source_facts::{FactsQuestion, SourceFacts, source_facts};
use super::{Event, Outbox, same};

/// What an answer was made from: it is worth showing as long as this is what is on screen.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The model.
    pub source: Arc<Source>,
    /// The board.
    pub device: Arc<Device>,
    /// What the recipe makes of the model, where that matters.
    pub candidate: Option<Arc<Candidate>>,
    /// The samples, where they matter.
    pub data: Option<Arc<DataSet>>,
    /// What else was asked for: the name of the files, the number of the sample.
    pub detail: String,
}

impl PartialEq for Basis {
    /// The very same things, not equal ones: comparing models would take longer than a frame.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
            && Arc::ptr_eq(&self.device, &other.device)
            && same(&self.candidate, &other.candidate)
            && same(&self.data, &other.data)
            && self.detail == other.detail
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Question {
    /// What there is to say of the source.
    Facts(FactsQuestion),
    /// Which files an export would write.
    DryRun {
        /// What it is made from.
        job: Job,
        /// What would be exported.
        candidate: Arc<Candidate>,
        /// What the files would be called.
        name: String,
    },
    /// What both models say to a sample.
    Trial {
        /// The model as it came.
        source: Arc<Source>,
        /// What the recipe makes of it, if that is known.
        candidate: Option<Arc<Candidate>>,
        /// The samples.
        data: Arc<DataSet>,
        /// Which of them.
        sample: usize,
    },
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::Facts`].
    Facts(Arc<SourceFacts>),
    /// To [`Question::DryRun`].
    DryRun(Arc<DryRun>),
    /// To [`Question::Trial`].
    Trial(Arc<Trial>),
    /// To a [`CoverageRequest`](super::CoverageRequest); or why there is none, in a line.
    Coverage(Arc<Result<RangesSeen, String>>),
}

/// The files that an export would write, target by target, or why there would be none.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// In the order of [`Target::ALL`].
    pub targets: Vec<(Target, Result<Vec<DryFile>, String>)>,
}

impl DryRun {
    /// All files of all targets.
    pub fn files(&self) -> impl Iterator<Item = &DryFile> {
        self.targets.iter().filter_map(|(_, files)| files.as_ref().ok()).flatten()
    }
}

/// A file as it would be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryFile {
    /// Name without a folder.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
    /// Where each line starts and ends, if it is text.
    pub lines: Option<Vec<(usize, usize)>>,
}

impl DryFile {
    /// The file with its lines found.
    pub fn new(name: String, bytes: Vec<u8>) -> Self {
        let is_text = std::str::from_utf8(&bytes).is_ok_and(|text| !text.contains('\0'));
        let lines = is_text.then(|| {
            let mut start = 0;
            let mut lines = Vec::new();
            for line in bytes.split_inclusive(|b| *b == b'\n') {
                let end = start + line.len();
                lines.push((start, end - usize::from(line.ends_with(b"\n"))));
                start = end;
            }
            lines
        });
        Self { name, bytes, lines }
    }

    /// A line of a text file, counted from 0.
    pub fn line(&self, index: usize) -> &str {
        let bytes = self.lines.as_ref().and_then(|lines| lines.get(index)).and_then(|&(a, b)| self.bytes.get(a..b));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// What one input takes of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Its shape in the data set.
    pub shape: Vec<usize>,
    /// Its values as real numbers.
    pub values: Vec<f32>,
}

/// What models say to one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Which sample.
    pub sample: usize,
    /// What each input of the model takes; nothing if the sample does not fit.
    pub inputs: Vec<Taken>,
    /// First output of the model as it came, or why there is none.
    pub source: Result<Vec<f32>, String>,
    /// First output of the candidate, or why there is none; `None` while there is no candidate.
    pub candidate: Option<Result<Vec<f32>, String>>,
}

/// Starts the thread; it ends when the sender is dropped.
pub(super) fn start(outbox: Outbox) -> Sender<(Basis, Question)> {
    let (sender, questions) = unbounded();
    std::thread::spawn(move || serve(&questions, &outbox));
    sender
}

fn serve(questions: &Receiver<(Basis, Question)>, outbox: &Outbox) {
    while let Ok(first) = questions.recv() {
        // Only the newest question of each kind still matters.
        let mut newest = [None, None, None];
        for question in std::iter::once(first).chain(questions.try_iter()) {
            let kind = match question.1 {
                Question::Facts(_) => 0,
                Question::DryRun { .. } => 1,
                Question::Trial { .. } => 2,
            };
            newest[kind] = Some(question);
        }
        for (basis, question) in newest.into_iter().flatten() {
            let instead = unanswered(&question);
            // A mistake in one answer must not leave all others out.
            let answer = catch_unwind(AssertUnwindSafe(|| answer(question))).unwrap_or(instead);
            outbox.send(Event::Answer(basis, answer));
        }
    }
}

/// What is told if the program made a mistake over a question.
fn unanswered(question: &Question) -> Answer {
    let why = || "the program made a mistake over this; report it".to_owned();
    match question {
        Question::Facts(_) => Answer::Facts(Arc::new(SourceFacts::unknown(why()))),
        Question::DryRun { .. } => {
            Answer::DryRun(Arc::new(DryRun { targets: Target::ALL.into_iter().map(|target| (target, Err(why()))).collect() }))
        }
        Question::Trial { sample, candidate, .. } => {
            let candidate = candidate.as_ref().map(|_| Err(why()));
            Answer::Trial(Arc::new(Trial { sample: *sample, inputs: Vec::new(), source: Err(why()), candidate }))
        }
    }
}

fn answer(question: Question) -> Answer {
    match question {
        Question::Facts(of) => Answer::Facts(Arc::new(source_facts(&of.source, &of.statics, &of.device))),
        Question::DryRun { job, candidate, name } => Answer::DryRun(Arc::new(dry_run(&job, &candidate.graph, &name))),
        Question::Trial { source, candidate, data, sample } => {
            Answer::Trial(Arc::new(trial(&source.graph, candidate.as_deref().map(|c| &c.graph), &data, sample)))
        }
    }
}

fn dry_run(job: &Job, graph: &Graph, name: &str) -> DryRun {
    let files = |target: Target| {
        let files = firmware_files(job, graph, name, &[target]).map_err(|e| e.to_string())?;
        Ok(files.into_iter().map(|file| DryFile::new(file.name, file.bytes)).collect())
    };
    DryRun { targets: Target::ALL.into_iter().map(|target| (target, files(target))).collect() }
}

fn trial(source: &Graph, candidate: Option<&Graph>, data: &DataSet, sample: usize) -> Trial {
    let taken = Inputs::of(data, source).and_then(|inputs| {
        let shapes = inputs.shapes().map(<[usize]>::to_vec);
        Ok(shapes.zip(inputs.real(&[sample])?).map(|(shape, values)| Taken { shape, values }).collect())
    });
    let run = |graph: &Graph| run_samples(source, graph, data, &[sample], &Cancel::new());
    Trial { sample, inputs: taken.unwrap_or_default(), source: run(source), candidate: candidate.map(run) }
}

/// First output of `graph` for each of the chosen samples, real. What integers of the set mean is settled against the source.
pub(super) fn run_samples(
    source: &Graph,
    graph: &Graph,
    data: &DataSet,
    chosen: &[usize],
    cancel: &Cancel,
) -> Result<Vec<f32>, String> {
    let problem = |error: DataProblem| super::words::of_data(&error);
    let inputs = Inputs::of(data, source).and_then(|inputs| inputs.bytes(chosen, graph)).map_err(problem)?;
    let executor = Executor::new(graph).map_err(|e| e.to_string())?;
    let outputs = executor.run_real(&views(&inputs), chosen.len(), cancel).map_err(|e| e.to_string())?;
    outputs.into_iter().next().ok_or_else(|| "the model has no output".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_text_are_found_and_bytes_have_none() {
        let file = DryFile::new("a.h".into(), b"one\n\nthree".to_vec());
        assert_eq!(file.lines.as_ref().map(Vec::len), Some(3));
        assert_eq!((file.line(0), file.line(1), file.line(2), file.line(3)), ("one", "", "three", ""));
        assert_eq!(DryFile::new("a.tflite".into(), vec![0, 1, 2]).lines, None);
    }
}
