//! Running what the panels of recording ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::Context;
use tinsmith_core::data::import::folder::{Options as ImportOptions, import};
use tinsmith_core::data::library::file::{CLIPS, RECORDINGS, is_library};
use tinsmith_core::data::library::{Reader, Sample};
use tinsmith_core::preview::covering_items;
use tinsmith_core::progress::Cancel;

use super::App;
use crate::capture::{Collection, Station, Wake};
use crate::device::ports::Watch;
use crate::device::{Connection, ConnectionSettings, DeviceError};
use crate::gui::background::Background;
use crate::gui::capture::{
    Alive, Ask, ChosenBy, ClipEdit, Counts, Imported, Listening, PlayedClip, Source, StagesQuestion, WordsOf, fitted,
    folder_beside,
};
use crate::gui::command::Command;
use crate::gui::dialogs::Wanted;
use crate::gui::notice::Kind;
use crate::gui::session::{Edit, Turns};
use crate::input::Input;
use crate::loudspeaker::{Mono, Playing};
use crate::microphone::{self, Microphone, MicrophoneSettings};

impl App {
    /// Takes what has happened to inputs and clips since the last frame.
    pub(super) fn follow_capture(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        if let Some(ports) = capture.watch.as_ref().and_then(Watch::changed) {
            capture.ports = ports;
        }
        if let Some(found) = capture.looking.take() {
            capture.microphones = Some(found);
        }
        capture.digests.take();
        capture.words.take();
        capture.stages.take();
        if let Some(counts) = capture.counting.take() {
            capture.counts = Some(Arc::new(counts));
        }
        if let Some(outcome) = capture.opening.as_mut().and_then(|(_, opening)| opening.take()) {
            self.opened_input(outcome);
        }
        if let Some(outcome) = self.session.capture.opening_clips.take() {
            self.opened_clips(outcome, ctx);
        }
        if let Some(outcome) = self.session.capture.importing.take() {
            self.imported(outcome, ctx);
        }
        self.follow_fitting(ctx);
        self.follow_choosing();
        let over = self.session.capture.played.take_if(|clip| clip.playing.is_over());
        if let Some(failure) = over.as_ref().and_then(|clip| clip.playing.failure()) {
            self.complain("The clip is not played", failure.to_owned(), None);
        }
    }

    pub(super) fn capture(&mut self, ask: Ask, ctx: &Context) {
        match ask {
            Ask::Watch => {
                if self.session.capture.watch.is_none() {
                    self.session.capture.watch = Some(Watch::start());
                    self.capture(Ask::LookAgain, ctx);
                }
                // Plugging in and out wakes nobody.
                ctx.request_repaint_after(Duration::from_millis(500));
            }
            Ask::LookAgain => self.session.capture.looking = Background::start(ctx, microphone::list),
            Ask::Listen(source) => self.listen(source, ctx),
            Ask::ChooseFile => self.pick(Wanted::ListenFile),
            Ask::LetGo => self.session.capture.let_go(),
            Ask::Choose(sensor) => {
                let capture = &mut self.session.capture;
                // A threshold is in the unit of the sensor that it was set for.
                (capture.sensor, capture.settings.threshold) = (Some(sensor), None);
            }
            Ask::Set(settings) => self.session.capture.settings = settings,
            Ask::Begin => self.begin_session(ctx),
            Ask::End => self.on_station(Station::end),
            Ask::Pause(is_paused) => self.on_station(|station| station.pause(is_paused)),
            Ask::Skip => self.on_station(Station::skip),
            Ask::Press => self.on_station(Station::press),
            Ask::Discard => self.on_station(Station::discard),
            Ask::ChooseFolder => self.pick(Wanted::ClipFolder),
            Ask::UseFolder(folder) if is_of_others(&folder) => self.import(folder, ctx),
            Ask::UseFolder(folder) => self.use_folder(folder, ctx),
            Ask::ShowCounts => self.show_counts(ctx),
            Ask::Select(which) => self.session.capture.selected = which,
            Ask::ShowWords(on_screen) => self.show_words(&on_screen, ctx),
            Ask::ShowStages => self.show_stages(ctx),
            Ask::Fit => self.fit(ctx),
            Ask::Calibrate(count, by) => self.choose_calibration(count, by, ctx),
            Ask::Play(index) => self.play(index, ctx),
            Ask::Quiet => self.session.capture.played = None,
            Ask::Edit(edit) => self.edit_clips(edit),
            Ask::UseAsData => {
                if let Some(collection) = &self.session.capture.collection {
                    self.commands.send(Command::OpenPath(collection.folder().to_owned()));
                }
            }
        }
    }

    fn on_station(&self, act: impl FnOnce(&Station)) {
        if let Some(station) = self.session.capture.station() {
            act(station);
        }
    }

    /// Opens an input once the one before has let go: a port, and what is behind it, can be opened once.
    fn listen(&mut self, source: Source, ctx: &Context) {
        let capture = &mut self.session.capture;
        capture.let_go();
        capture.settings.threshold = None;
        let before = std::mem::take(&mut capture.closing);
        let (device, of, waker) = (self.session.edit.device.clone(), source.clone(), ctx.clone());
        let opening = Background::attempt(ctx, move || {
            before.into_iter().for_each(|closing| drop(closing.join()));
            open_input(of, &device, Arc::new(move || waker.request_repaint())).map_err(|error| error.to_string())
        });
        capture.opening = Some((source, opening));
    }

    fn opened_input(&mut self, outcome: Result<Listening, String>) {
        self.session.capture.opening = None;
        match outcome {
            Ok(listening) => self.session.capture.listening = Some(listening),
            Err(why) => self.complain("The input does not open", why, None),
        }
    }

    fn begin_session(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some(station) = capture.station().cloned() else { return };
        let sensors = station.seen().board.sensors.clone();
        let Some(sensor) = capture.sensor_of(&sensors) else { return };
        let plan = capture.settings.plan(&sensor);
        if let Some(collection) = capture.collection.clone() {
            return station.begin(plan, collection);
        }
        self.session.capture.planned = Some(plan);
        self.need_clips(ctx);
    }

    /// Opens the folder beside the project, unless clips go into another one already.
    pub(super) fn need_clips(&mut self, ctx: &Context) {
        let capture = &self.session.capture;
        if capture.collection.is_some() || capture.opening_clips.is_busy() {
            return;
        }
        if let Some(project) = self.session.open.as_ref().map(crate::gui::session::Open::project_file) {
            self.use_folder(folder_beside(&project), ctx);
        }
    }

    /// A folder of recordings, pictures or tables becomes a data set beside it; the files stay as they are.
    fn import(&mut self, folder: PathBuf, ctx: &Context) {
        let name = folder.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
        let free = (1..).map(|n| folder.with_file_name(if n == 1 { format!("{name}-set") } else { format!("{name}-set-{n}") }));
        let Some(into) = { free }.find(|path| !path.exists()) else { return };
        self.session.message = format!("importing {}", folder.display());
        self.session.capture.importing = Background::attempt(ctx, move || {
            let imported = import(&folder, &into, &ImportOptions::default(), &Cancel::new(), &mut |_, _| {});
            let imported = imported.map_err(|error| error.to_string())?;
            let refused = imported.refused.iter().map(|refusal| format!("left out {refusal}"));
            Ok((into, imported.notes.iter().cloned().chain(refused).collect()))
        });
    }

    fn imported(&mut self, outcome: Imported, ctx: &Context) {
        match outcome {
            Ok((folder, notes)) => {
                let title = format!("imported into {}", folder.display());
                self.session.message.clone_from(&title);
                let kind = if notes.is_empty() { Kind::Done } else { Kind::Warning };
                self.session.notices.add(kind, title, notes.join("\n"), None);
                self.use_folder(folder, ctx);
            }
            Err(why) => self.complain_of_folder("The folder was not imported", why),
        }
    }

    fn complain_of_folder(&mut self, title: &str, why: String) {
        let other = Some(("Choose another folder", Command::Capture(Ask::ChooseFolder)));
        self.complain(title, why, other);
    }

    /// Clips go into this folder from now on.
    pub(super) fn use_folder(&mut self, folder: PathBuf, ctx: &Context) {
        let capture = &mut self.session.capture;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let is_it = |collection: &Arc<Collection>| real(collection.folder()) == real(&folder);
        if capture.collection.as_ref().is_some_and(is_it) {
            return;
        }
        if capture.is_recording() {
            let why = "A session is recorded into another folder; end it first".to_owned();
            return self.complain("The folder was not changed", why, None);
        }
        let before = capture.collection.take().or(capture.before.take());
        let others = capture.other_clips();
        if before.as_ref().is_some_and(is_it) {
            // Who thinks better of it has not moved.
            (capture.collection, capture.closing_clips, capture.planned) = (before, others, None);
            return;
        }
        capture.before = before;
        capture.opening_clips = Background::attempt(ctx, move || {
            others.into_iter().for_each(|other| drop(other.join()));
            Collection::open(&folder).map_err(|error| error.to_string())
        });
    }

    fn opened_clips(&mut self, outcome: Result<Collection, String>, ctx: &Context) {
        let capture = &mut self.session.capture;
        let (planned, before) = (capture.planned.take(), capture.before.take());
        match outcome {
            Ok(collection) => {
                capture.let_go_of_clips(before);
                let waker = ctx.clone();
                capture.digests.open(collection.folder().to_owned(), Arc::new(move || waker.request_repaint()));
                capture.selected.clear();
                let collection = Arc::new(collection);
                capture.collection = Some(Arc::clone(&collection));
                self.session.turns = Turns::default();
                if let Some((station, plan)) = capture.station().zip(planned) {
                    station.begin(plan, collection);
                }
            }
            Err(why) => {
                capture.collection = before;
                self.complain_of_folder("The folder cannot be used", why);
            }
        }
    }

    fn show_counts(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some(library) = capture.library().filter(|_| !capture.counting.is_busy()) else { return };
        if capture.counts.as_ref().is_none_or(|counts| !Arc::ptr_eq(&counts.library, &library)) {
            capture.counting = Background::start(ctx, move || Counts::new(library));
        }
    }

    /// The candidate is asked what these clips are.
    fn show_words(&mut self, on_screen: &[usize], ctx: &Context) {
        let session = &mut self.session;
        let Some(candidate) = session.figures.candidate.value.clone() else { return };
        let Some((collection, library)) = session.capture.collection.as_ref().zip(session.capture.library()) else { return };
        let Some(open) = &session.open else { return };
        let (source, names) = (Arc::clone(&open.source), open.data.as_ref().map(|data| data.set.label_names.clone()));
        let (features, folder) = (session.edit.features.clone(), collection.folder().to_owned());
        let by = WordsOf { candidate, source, features, names: names.unwrap_or_default(), folder };
        session.capture.words.want(by, &library, on_screen, ctx);
    }

    /// The selected clip, or the newest, goes through the stages.
    fn show_stages(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else { return };
        let index = capture.selected.first().copied().unwrap_or(library.items.len().saturating_sub(1));
        let (Some(item), Some(pipeline)) = (library.items.get(index).cloned(), self.session.edit.features.clone()) else {
            return;
        };
        let question = StagesQuestion { folder: collection.folder().to_owned(), library, item, pipeline };
        capture.stages.ask(question, ctx);
    }

    fn fit(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else {
            return self.complain("There are no clips", "Record some, or choose a folder of clips, first".to_owned(), None);
        };
        let Some(pipeline) = self.session.edit.features.clone() else { return };
        let (folder, of) = (collection.folder().to_owned(), pipeline.clone());
        capture.fitting = Some((pipeline, Background::attempt(ctx, move || fitted(&folder, &library, &of, &Cancel::new()))));
    }

    /// Takes statistics, unless the stages were changed meanwhile.
    fn follow_fitting(&mut self, ctx: &Context) {
        let Some((of, outcome)) =
            self.session.capture.fitting.as_mut().and_then(|(of, fitting)| Some((of.clone(), fitting.take()?)))
        else {
            return;
        };
        self.session.capture.fitting = None;
        match outcome {
            Ok(features) if self.session.edit.features.as_ref() == Some(&of) => {
                let edit = Edit { features: Some(features), ..self.session.edit.clone() };
                self.take_edit(edit, ctx);
            }
            Ok(_) => self.session.message = "the stages were changed: their statistics were not taken".to_owned(),
            Err(why) => self.complain("The statistics were not made", why, None),
        }
    }

    fn choose_calibration(&mut self, count: usize, by: ChosenBy, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else { return };
        let source = self.session.open.as_ref().map(|open| Arc::clone(&open.source));
        let (folder, features) = (collection.folder().to_owned(), self.session.edit.features.clone());
        match (by, source) {
            (ChosenBy::Chance(seed), _) => {
                let chosen = library.chosen(&library.not_tests(), count, seed);
                self.edit_clips(ClipEdit::Calibrate(chosen));
            }
            (ChosenBy::Ranges, None) => {
                self.complain("No clips were chosen", "Open a model first: its ranges choose".into(), None)
            }
            (ChosenBy::Ranges, Some(source)) => {
                let of = Arc::clone(&library);
                let choose = move || {
                    let of = (folder.as_path(), &*of);
                    covering_items(&source.graph, of, features.as_ref(), count, &Cancel::new()).map_err(|error| error.to_string())
                };
                capture.choosing = Some((library, Background::attempt(ctx, choose)));
            }
        }
    }

    /// Takes the clips that cover a model's ranges, unless others came or went meanwhile.
    fn follow_choosing(&mut self) {
        let capture = &mut self.session.capture;
        let Some((of, outcome)) = capture.choosing.as_mut().and_then(|(of, work)| Some((Arc::clone(of), work.take()?))) else {
            return;
        };
        capture.choosing = None;
        let is_same = capture.library().is_some_and(|library| Arc::ptr_eq(&library, &of));
        match outcome {
            Ok(chosen) if is_same => self.edit_clips(ClipEdit::Calibrate(chosen)),
            Ok(_) => self.session.message = "the clips were changed: none were chosen to calibrate with".to_owned(),
            Err(why) => self.complain("No clips were chosen", why, None),
        }
    }

    fn play(&mut self, index: usize, ctx: &Context) {
        let capture = &self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else { return };
        let Some(item) = library.items.get(index).cloned() else { return };
        let folder = collection.folder().to_owned();
        let read = move || match Reader::new(&folder).read(&library, &item) {
            Ok(Sample::Signal(signal)) => {
                let n_channels = signal.axes.len().max(1);
                let values =
                    signal.values.chunks_exact(n_channels).map(|row| row.iter().sum::<f32>() / n_channels as f32).collect();
                Ok(Mono { rate_hz: signal.rate_hz.unwrap_or(16_000.0), values })
            }
            Ok(Sample::Array { .. }) => Err("it is no recording".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let waker = ctx.clone();
        let playing = Playing::start(read, move || waker.request_repaint());
        self.session.capture.played = Some(PlayedClip { index, playing });
    }

    fn edit_clips(&mut self, edit: ClipEdit) {
        let Some(collection) = self.session.capture.collection.clone() else { return };
        let clips = |n: usize| format!("{n} clip{}", if n == 1 { "" } else { "s" });
        match edit {
            ClipEdit::Label(which, label) => {
                let words = format!("label of {}", clips(which.len()));
                collection.edit(words, |library| library.relabelled(&Vec::from_iter(which), Some(&label)));
            }
            ClipEdit::Delete(which) => {
                let words = format!("delete {}", clips(which.len()));
                collection.edit(words, |library| library.without(&Vec::from_iter(which)));
                self.session.capture.selected.clear();
            }
            ClipEdit::Trim(index, start, end) => {
                collection.edit("trim a clip", |library| library.trimmed(index, start, end));
            }
            ClipEdit::SplitAt(index, at) => collection.edit("split a clip", |library| library.split_at(index, at)),
            ClipEdit::Calibrate(which) => {
                let words = format!("{} to calibrate", clips(which.len()));
                collection.edit(words, |library| library.calibrated_by(&which));
            }
            ClipEdit::Split(plan) => {
                let mut problem = None;
                collection.edit("splits", |library| {
                    library.split(&plan).unwrap_or_else(|why| {
                        problem = Some(why.to_string());
                        library.clone()
                    })
                });
                if let Some(problem) = problem {
                    self.complain("The clips were not split", problem, None);
                }
            }
        }
    }
}

fn open_input(source: Source, device: &str, wake: Wake) -> Result<Listening, DeviceError> {
    // The thread that listens never lets events wait, so none has to be left out.
    let board =
        |port: String| Input::Board(Connection::open(ConnectionSettings { lossless: true, ..ConnectionSettings::new(port) }));
    let mut simulated = None;
    let input = match &source {
        Source::Port(port) => board(port.clone()),
        Source::Microphone(name) => {
            let settings = MicrophoneSettings { name: Some(name.clone()), lossless: true, ..MicrophoneSettings::default() };
            Input::Microphone(Microphone::open(settings))
        }
        Source::Simulated | Source::File(_) => {
            let (port, simulator) = simulate(device, &source)?;
            simulated = Some((port.clone(), simulator));
            board(port)
        }
    };
    Ok(Listening::new(source, Arc::new(Station::open(input, wake)), simulated))
}

/// Whether a folder holds files that no data set of ours lists: they have to be imported.
fn is_of_others(folder: &Path) -> bool {
    let is_other = |entry: std::fs::DirEntry| ![CLIPS, RECORDINGS].iter().any(|own| entry.file_name() == **own);
    !is_library(folder) && std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_other))
}

/// A board that hears tones and makes gestures, or plays a file: its port, and what it lives in.
#[cfg(unix)]
fn simulate(id: &str, source: &Source) -> Result<(String, Alive), DeviceError> {
    use std::time::{SystemTime, UNIX_EPOCH};

    use crate::device::Way;
    use crate::device::simulate::{BoardSettings, SensorSettings, Simulator, SimulatorSettings, Source as Made, Speed};

    let made = if let Source::File(path) = source { vec![Made::file(path)?] } else { vec![Made::tones(), Made::gestures()] };
    let sensors = made.into_iter().map(|(info, source)| SensorSettings { info, source });
    let profile = tinsmith_core::measure::device::device(id);
    let board = BoardSettings {
        id: id.to_owned(),
        name: profile.as_ref().map_or_else(|| id.to_owned(), |device| device.name.clone()),
        number: SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64),
        flash_bytes: profile.as_ref().map_or(4 << 20, |device| device.flash_bytes as usize),
        ram_bytes: profile.as_ref().map_or(512 << 10, |device| device.ram_bytes as usize),
        sensors: sensors.collect(),
        model: None,
    };
    let settings = SimulatorSettings { board, way: Way::Frames, speed: Speed::Times(1.0), faults: Vec::new(), seed: 1 };
    let simulator = Simulator::start(settings)?;
    Ok((simulator.port().display().to_string(), Alive::new(simulator)))
}

/// Simulated boards are pseudo-terminals.
#[cfg(not(unix))]
fn simulate(_: &str, _: &Source) -> Result<(String, Alive), DeviceError> {
    Err(DeviceError::Simulate("boards are simulated on Linux and macOS; connect a real one".to_owned()))
}
