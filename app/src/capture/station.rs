//! The thread that listens to an input.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tinsmith_core::data::library::file::RECORDINGS;
use tinsmith_core::data::recording::{BoardInfo, RecorderSettings, Stamp};
use tinsmith_core::data::segment::Span;

use super::collection::Collection;
use super::cutter::{Cutter, Made, Piece, Plan};
use super::seen::{KeptStretch, Link, Seen};
use super::track::{KEPT_S, Track};
use crate::device::{Event, Request};
use crate::input::Input;

/// How long the thread listens before it looks whether it is asked for something.
const LOOK: Duration = Duration::from_millis(10);

/// Called when something has changed that moves nothing by itself: the input came or went, a clip was made.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A part of what a sensor measured, by the numbers of its ring, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The sensor.
    pub sensor: u8,
    /// Its first instant and the one after its last.
    pub span: Span,
    /// What it is.
    pub label: String,
}

enum Ask {
    Input(Request),
    Begin(Plan, Arc<Collection>),
    End,
    Pause(bool),
    Skip,
    Press,
    Discard,
    Keep(Stretch, Arc<Collection>),
    Listen(Sender<Arc<Event>>),
}

/// An input, listened to for as long as this lives. Everything can be asked from any thread, and nothing here waits.
#[derive(Debug)]
pub struct Station {
    asks: Option<Sender<Ask>>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<JoinHandle<()>>,
}

impl Station {
    /// Listens to an input, and has all its sensors measure.
    pub fn open(input: Input, wake: Wake) -> Self {
        let (asks, asked) = channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shown = Arc::clone(&seen);
        let thread = thread::spawn(move || {
            Listener { input, seen: shown, wake, listeners: Vec::new(), target: None }.run(&asked);
        });
        Self { asks: Some(asks), seen, thread: Some(thread) }
    }

    /// What can be seen of it now. Held only as long as it takes to read: the thread waits meanwhile.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the input for something.
    pub fn ask(&self, request: Request) {
        self.send(Ask::Input(request));
    }

    /// From now on, everything that the input tells but for samples, which [`Seen::tracks`] have, and counts.
    pub fn listen(&self) -> Receiver<Arc<Event>> {
        let (sender, receiver) = channel();
        self.send(Ask::Listen(sender));
        receiver
    }

    /// Begins a session whose clips go into a data set.
    pub fn begin(&self, plan: Plan, collection: Arc<Collection>) {
        self.send(Ask::Begin(plan, collection));
    }

    /// Ends the session. Clips that have begun are left out.
    pub fn end(&self) {
        self.send(Ask::End);
    }

    /// No clip begins until this is taken back.
    pub fn pause(&self, is_paused: bool) {
        self.send(Ask::Pause(is_paused));
    }

    /// Goes on with the next label.
    pub fn skip(&self) {
        self.send(Ask::Skip);
    }

    /// A clip begins now.
    pub fn press(&self) {
        self.send(Ask::Press);
    }

    /// The newest clip was no good: it goes, and its label is asked for again.
    pub fn discard(&self) {
        self.send(Ask::Discard);
    }

    /// Makes a clip of what was measured before. [`Seen::kept`] tells that it is there, [`Seen::trouble`] why it is not.
    pub fn keep(&self, stretch: Stretch, collection: Arc<Collection>) {
        self.send(Ask::Keep(stretch, collection));
    }

    fn send(&self, ask: Ask) {
        // A thread that has ended has told so.
        let _ = self.asks.as_ref().map(|asks| asks.send(ask));
    }
}

impl Drop for Station {
    /// Ends sessions and recordings, and waits until everything is on the disk.
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Listener {
    input: Input,
    seen: Arc<Mutex<Seen>>,
    wake: Wake,
    listeners: Vec<Sender<Arc<Event>>>,
    /// Where the clips of the session go.
    target: Option<Arc<Collection>>,
}

impl Listener {
    fn run(mut self, asked: &Receiver<Ask>) {
        loop {
            loop {
                match asked.try_recv() {
                    Ok(ask) => self.do_asked(ask),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                        self.input.close();
                        return;
                    }
                }
            }
            if let Some(event) = self.input.wait(LOOK) {
                self.take(event);
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn do_asked(&mut self, ask: Ask) {
        match ask {
            Ask::Input(request) => self.input.ask(request),
            Ask::Listen(listener) => self.listeners.push(listener),
            Ask::Begin(plan, collection) => self.begin(plan, collection),
            Ask::End => {
                self.seen().cutter = None;
                self.target = None;
                self.input.ask(Request::EndRecording);
            }
            Ask::Discard => self.discard(),
            Ask::Keep(stretch, collection) => self.keep_stretch(&stretch, &collection),
            Ask::Pause(is_paused) => self.with_cutter(|cutter| cutter.is_paused = is_paused),
            Ask::Skip => self.with_cutter(Cutter::skip),
            Ask::Press => self.with_cutter(Cutter::press),
        }
        (self.wake)();
    }

    fn with_cutter(&self, change: impl FnOnce(&mut Cutter)) {
        if let Some(cutter) = &mut self.seen().cutter {
            change(cutter);
        }
    }

    fn begin(&mut self, plan: Plan, collection: Arc<Collection>) {
        let mut seen = self.seen();
        let Some(track) = seen.track(plan.sensor) else {
            seen.trouble = Some("the input has no such sensor; choose another".to_owned());
            return;
        };
        if let Err(problem) = collection.check(track.info()) {
            seen.trouble = Some(problem.to_string());
            return;
        }
        let sensors = if plan.all_sensors { Vec::new() } else { vec![plan.sensor.to_string()] };
        let cutter = Cutter::new(plan, &track.ring);
        (seen.cutter, seen.trouble) = (Some(cutter), None);
        drop(seen);
        let folder = collection.folder().join(RECORDINGS);
        self.target = Some(collection);
        self.input.ask(Request::Record(RecorderSettings { folder, label: Some("session".to_owned()), sensors, seconds: None }));
    }

    fn discard(&self) {
        let mut seen = self.seen();
        let Some(made) = seen.cutter.as_mut().and_then(Cutter::forget) else { return };
        drop(seen);
        if let Some(collection) = &self.target {
            collection.discard(&made.clip.path);
        }
    }

    fn keep_stretch(&self, stretch: &Stretch, collection: &Collection) {
        let written = self.piece_of(stretch, collection).and_then(|piece| {
            let clip = piece.write(collection.clips()).map_err(|error| error.to_string())?;
            collection.add(piece.sensor(), &clip, &piece.label, Some(&piece.person));
            Ok(clip.path)
        });
        let mut seen = self.seen();
        match written {
            Ok(clip) => {
                seen.kept(KeptStretch { window: (stretch.sensor, stretch.span), clip });
                seen.trouble = None;
            }
            Err(why) => seen.trouble = Some(why),
        }
    }

    fn piece_of(&self, stretch: &Stretch, collection: &Collection) -> Result<Piece, String> {
        let seen = self.seen();
        let track = seen.track(stretch.sensor).ok_or("the input has no such sensor any more")?;
        collection.check(track.info()).map_err(|problem| problem.to_string())?;
        if stretch.span.0 < track.ring.first() || stretch.span.1 > track.ring.end() {
            return Err(format!("what was measured then is gone: keep it within {KEPT_S:.0} s"));
        }
        Ok(Piece::new(&track.ring, stretch.span, &seen.board, (stretch.label.clone(), String::new())))
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Samples { sensor, stamp, instants } => {
                self.samples(sensor, stamp, &instants);
                return;
            }
            Event::Counts(counts) => {
                self.seen().counts = counts;
                return;
            }
            Event::Connected { way, ref board, ref model, .. } => {
                let mut seen = self.seen();
                (seen.way, seen.model) = (Some(way), *model);
                drop(seen);
                self.meet(board.clone());
            }
            Event::Sensors(ref board) => self.meet(board.clone()),
            Event::Disconnected => self.seen().link = Link::Away,
            Event::Reconnected { model } => {
                let mut seen = self.seen();
                (seen.link, seen.model) = (Link::Connected, model);
            }
            Event::Recording(_) => self.seen().recording_since = Some(Instant::now()),
            Event::Recorded(_) => self.seen().recording_since = None,
            Event::RecordingFailed(ref reason) => {
                let mut seen = self.seen();
                (seen.recording_since, seen.trouble) = (None, Some(reason.clone()));
            }
            Event::Stats(stats) => self.seen().stats = Some(stats),
            Event::Log(_, ref text) => self.seen().say(text.clone()),
            Event::Refused(status) => self.seen().say(format!("refused: {status}")),
            Event::Loaded(status) => self.seen().say(format!("load: {status}")),
            Event::Failed(ref error) => {
                let mut seen = self.seen();
                (seen.link, seen.cutter) = (Link::Failed(error.to_string()), None);
                drop(seen);
                self.target = None;
            }
            Event::Result { .. } | Event::Loading { .. } => {}
        }
        let event = Arc::new(event);
        self.listeners.retain(|listener| listener.send(Arc::clone(&event)).is_ok());
        (self.wake)();
    }

    /// It is known what the input measures: everything is to be seen.
    fn meet(&self, board: BoardInfo) {
        let mut seen = self.seen();
        seen.link = Link::Connected;
        if !seen.board.is_same(&board) || seen.board.sensors != board.sensors {
            // New rings number anew.
            seen.kept.clear();
            seen.tracks = board.sensors.iter().cloned().map(Track::new).collect();
        }
        board.sensors.iter().for_each(|sensor| self.input.ask(Request::Start(sensor.id)));
        seen.board = board;
    }

    fn samples(&self, sensor: u8, stamp: Stamp, instants: &[u8]) {
        let mut guard = self.seen();
        let seen = &mut *guard;
        let Some(index) = seen.tracks.iter().position(|track| track.info().id == sensor) else { return };
        let track = &mut seen.tracks[index];
        let values = track.push(stamp, instants);
        let Some(cutter) = seen.cutter.as_mut().filter(|cutter| cutter.plan.sensor == sensor) else { return };
        cutter.push(&values);
        let pieces = cutter.whole(&track.ring, &seen.board);
        drop(guard);
        // The disk may hesitate, and the window must not wait for it.
        pieces.into_iter().for_each(|piece| self.keep(piece));
    }

    /// Writes a clip and puts it into the data set.
    fn keep(&self, piece: Piece) {
        let Some(collection) = &self.target else { return };
        let written = piece.write(collection.clips());
        if let Ok(clip) = &written {
            collection.add(piece.sensor(), clip, &piece.label, Some(&piece.person));
        }
        let mut seen = self.seen();
        let Some(cutter) = &mut seen.cutter else { return };
        match written {
            Ok(clip) => cutter.remember(Made { span: piece.span, label: piece.label, clip }),
            Err(error) => {
                cutter.session.discarded(&piece.label);
                cutter.is_paused = true;
                seen.trouble = Some(error.to_string());
            }
        }
        drop(seen);
        (self.wake)();
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener to {:?}", self.input)
    }
}
