//! The thread that finds on how few calibration samples the ranges of the source's tensors hang.

use std::sync::Arc;

use tinsmith_core::measure::coverage::{Coverage, End, coverage};
use tinsmith_core::preview::observe;
use tinsmith_core::progress::Cancel;

use super::attempt::attempt;
use super::demand::{Answer, Basis};
use super::slot::Slot;
use super::words::of_preview;
use super::{Event, Outbox};

/// More samples are not run: what is asked for while a panel is on screen has to come soon.
const MOST_RUN: usize = 1000;

/// Nor more than fit into so many values, which are all in memory at once.
const MOST_VALUES: usize = 1 << 25;

/// What to run.
#[derive(Clone, Debug)]
pub struct CoverageRequest {
    /// The model as it came, and the samples.
    pub basis: Basis,
    /// Those of the samples that calibrate.
    pub calibrate: Vec<usize>,
}

/// What the ranges of a model hang on.
#[derive(Clone, Debug, PartialEq)]
pub struct RangesSeen {
    /// How many samples were run.
    pub n_run: usize,
    /// How many calibrate.
    pub n_calibrate: usize,
    /// What is at stake most comes first; samples by their number in the data set.
    pub tensors: Vec<Coverage>,
}

impl RangesSeen {
    /// How many ranges have an end that few samples reach.
    pub fn n_few(&self) -> usize {
        self.tensors.iter().filter(|tensor| tensor.hangs_on_few()).count()
    }
}

/// Starts the thread; it ends when the slot is closed.
pub(super) fn start(outbox: Outbox) -> Slot<CoverageRequest> {
    let slot = Slot::new();
    let of_thread: Slot<CoverageRequest> = slot.clone();
    std::thread::spawn(move || {
        super::priority::give_way();
        while let Some((request, cancel)) = of_thread.take() {
            let seen = attempt("while running the samples", || ranges_seen(&request, &cancel));
            if !cancel.is_cancelled() {
                outbox.send(Event::Answer(request.basis, Answer::Coverage(Arc::new(seen))));
            }
        }
    });
    slot
}

/// Runs the samples that calibrate, or the first of them if there are many; or says in a line why not.
fn ranges_seen(request: &CoverageRequest, cancel: &Cancel) -> Result<RangesSeen, String> {
    let CoverageRequest { basis, calibrate } = request;
    let data = basis.data.as_ref().ok_or("there are no samples")?;
    let sample_len: usize = data.arrays().map(|array| array.sample_len()).sum();
    let most_run = MOST_RUN.min(MOST_VALUES / sample_len.max(1)).max(1);
    let run = &calibrate[..calibrate.len().min(most_run)];
    let calibration = observe(&basis.source.graph, data, run, cancel).map_err(|error| of_preview(&error))?;
    let in_set = |end: End| End { reached_by: end.reached_by.iter().map(|&sample| run[sample]).collect(), ..end };
    let of_set = |of: Coverage| Coverage { low: in_set(of.low), high: in_set(of.high), ..of };
    let tensors = coverage(calibration.seen()).into_iter().map(of_set).collect();
    Ok(RangesSeen { n_run: run.len(), n_calibrate: calibrate.len(), tensors })
}
