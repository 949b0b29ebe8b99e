//! Running what the panels of recording ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use eframe::egui::Context;
use tinsmith_core::data::import::folder::{Options as ImportOptions, import};
use tinsmith_core::data::library::file::is_library;
use tinsmith_core::data::library::{Reader, Sample};
use tinsmith_core::progress::Cancel;

use super::App;
use crate::capture::{Collection, Station};
use crate::device::ports::Watch;
use crate::device::{Connection, ConnectionSettings, DeviceError};
use crate::gui::capture::{Alive, Ask, ClipEdit, Imported, Listening, Source, StagesQuestion, fitted, folder_beside};
use crate::gui::command::Command;
use crate::gui::dialogs::Wanted;
use crate::gui::notice::Kind;
use crate::gui::session::Edit;
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
        if let Some(found) = capture.looking.as_ref().and_then(|looking| looking.try_recv().ok()) {
            (capture.microphones, capture.looking) = (Some(found), None);
        }
        capture.digests.take();
        capture.stages.take();
        match capture.fitting.as_ref().and_then(|fitting| fitting.try_recv().ok()) {
            Some(Ok(features)) => {
                capture.fitting = None;
                let edit = Edit { features: Some(features), ..self.session.edit.clone() };
                self.take_edit(edit, ctx);
            }
            Some(Err(why)) => {
                capture.fitting = None;
                self.complain("The statistics were not made", why, None);
            }
            None => {}
        }
        if let Some(outcome) = self.session.capture.importing.as_ref().and_then(|importing| importing.try_recv().ok()) {
            self.session.capture.importing = None;
            self.imported(outcome, ctx);
        }
        let capture = &mut self.session.capture;
        if let Some(playing) = capture.playing.take_if(|playing| playing.is_over())
            && let Some(failure) = playing.failure()
        {
            self.complain("The clip is not played", failure.to_owned(), None);
        }
    }

    pub(super) fn capture(&mut self, ask: Ask, ctx: &Context) {
        let station = self.session.capture.station().cloned();
        let on = |act: &dyn Fn(&Station)| {
            if let Some(station) = &station {
                act(station);
            }
        };
        match ask {
            Ask::Watch => {
                if self.session.capture.watch.is_none() {
                    self.session.capture.watch = Some(Watch::start());
                    self.look_for_microphones(ctx);
                }
                // Plugging in and out wakes nobody.
                ctx.request_repaint_after(Duration::from_millis(500));
            }
            Ask::LookAgain => self.look_for_microphones(ctx),
            Ask::Listen(source) => self.listen(source, ctx),
            Ask::ChooseFile => self.pick(Wanted::ListenFile),
            Ask::LetGo => self.session.capture.listening = None,
            Ask::Choose(sensor) => self.session.capture.sensor = Some(sensor),
            Ask::Set(settings) => self.session.capture.settings = settings,
            Ask::Begin => self.begin_session(ctx),
            Ask::End => on(&Station::end),
            Ask::Pause(is_paused) => on(&|station| station.pause(is_paused)),
            Ask::Skip => on(&Station::skip),
            Ask::Press => on(&Station::press),
            Ask::Discard => on(&Station::discard),
            Ask::ChooseFolder => self.pick(Wanted::ClipFolder),
            Ask::UseFolder(folder) if is_of_others(&folder) => self.import(folder, ctx),
            Ask::UseFolder(folder) => drop(self.use_folder(folder, ctx)),
            Ask::Select(which) => self.session.capture.selected = which,
            Ask::ShowStages => self.show_stages(ctx),
            Ask::Fit => self.fit(ctx),
            Ask::Play(index) => self.play(index, ctx),
            Ask::Quiet => self.session.capture.playing = None,
            Ask::Edit(edit) => self.edit_clips(edit),
            Ask::UseAsData => {
                if let Some(collection) = &self.session.capture.collection {
                    self.commands.send(Command::OpenPath(collection.folder().to_owned()));
                }
            }
        }
    }

    fn look_for_microphones(&mut self, ctx: &Context) {
        let (sender, found) = channel();
        let waker = ctx.clone();
        std::thread::spawn(move || {
            if sender.send(microphone::list()).is_ok() {
                waker.request_repaint();
            }
        });
        self.session.capture.looking = Some(found);
    }

    fn listen(&mut self, source: Source, ctx: &Context) {
        // A port can be opened once: the old one is closed first.
        self.session.capture.listening = None;
        let mut alive = None;
        // The thread that listens never lets events wait, so none has to be left out.
        let board =
            |port: String| Input::Board(Connection::open(ConnectionSettings { lossless: true, ..ConnectionSettings::new(port) }));
        let input = match &source {
            Source::Port(port) => board(port.clone()),
            Source::Microphone(name) => {
                let settings = MicrophoneSettings { name: Some(name.clone()), lossless: true, ..MicrophoneSettings::default() };
                Input::Microphone(Microphone::open(settings))
            }
            Source::Simulated | Source::File(_) => match simulate(&self.session.edit.device, &source) {
                Ok((port, simulator)) => {
                    alive = Some((port.clone(), simulator));
                    board(port)
                }
                Err(error) => return self.complain("There is no simulated board", error.to_string(), None),
            },
        };
        let waker = ctx.clone();
        let station = Arc::new(Station::open(input, Arc::new(move || waker.request_repaint())));
        self.session.capture.listening = Some(Listening::new(source, station, alive));
    }

    fn begin_session(&mut self, ctx: &Context) {
        let capture = &self.session.capture;
        let Some(station) = capture.station().cloned() else { return };
        let sensors = station.seen().board.sensors.clone();
        let Some(sensor) = capture.sensor_of(&sensors) else { return };
        let plan = capture.settings.plan(&sensor);
        let collection = capture.collection.clone().or_else(|| {
            let project = self.session.open.as_ref().map(crate::gui::session::Open::project_file);
            self.use_folder(folder_beside(&project?), ctx)
        });
        if let Some(collection) = collection {
            station.begin(plan, collection);
        }
    }

    /// A folder of recordings, pictures or tables becomes a data set beside it; the files stay as they are.
    fn import(&mut self, folder: PathBuf, ctx: &Context) {
        let name = folder.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
        let free = (1..).map(|n| folder.with_file_name(if n == 1 { format!("{name}-set") } else { format!("{name}-set-{n}") }));
        let Some(into) = { free }.find(|path| !path.exists()) else { return };
        self.session.message = format!("importing {}", folder.display());
        let (sender, importing) = channel();
        let waker = ctx.clone();
        std::thread::spawn(move || {
            let imported = import(&folder, &into, &ImportOptions::default(), &Cancel::new(), &mut |_, _| {});
            let told = imported.map(|imported| {
                let refused = imported.refused.iter().map(|refusal| format!("left out {refusal}"));
                (into, imported.notes.iter().cloned().chain(refused).collect())
            });
            if sender.send(told.map_err(|error| error.to_string())).is_ok() {
                waker.request_repaint();
            }
        });
        self.session.capture.importing = Some(importing);
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
            Err(why) => {
                let other = Some(("Choose another folder", Command::Capture(Ask::ChooseFolder)));
                self.complain("The folder was not imported", why, other);
            }
        }
    }

    fn use_folder(&mut self, folder: PathBuf, ctx: &Context) -> Option<Arc<Collection>> {
        match Collection::open(&folder) {
            Ok(collection) => {
                let waker = ctx.clone();
                let capture = &mut self.session.capture;
                capture.digests.open(folder, Arc::new(move || waker.request_repaint()));
                capture.selected.clear();
                capture.collection = Some(Arc::new(collection));
            }
            Err(error) => {
                let other = Some(("Choose another folder", Command::Capture(Ask::ChooseFolder)));
                self.complain("The folder cannot be used", error.to_string(), other);
                return None;
            }
        }
        self.session.capture.collection.clone()
    }

    /// The selected clip, or the newest, goes through the stages.
    fn show_stages(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else { return };
        let index = capture.selected.first().copied().unwrap_or(library.items.len().saturating_sub(1));
        let (Some(item), Some(pipeline)) = (library.items.get(index).cloned(), self.session.edit.features.clone()) else {
            return;
        };
        let waker = ctx.clone();
        let question = StagesQuestion { folder: collection.folder().to_owned(), library, item, pipeline };
        capture.stages.ask(question, move || waker.request_repaint());
    }

    fn fit(&mut self, ctx: &Context) {
        let capture = &mut self.session.capture;
        let Some((collection, library)) = capture.collection.as_ref().zip(capture.library()) else {
            return self.complain("There are no clips", "Record some, or choose a folder of clips, first".to_owned(), None);
        };
        let Some(pipeline) = self.session.edit.features.clone() else { return };
        let (sender, fitting) = channel();
        let (folder, waker) = (collection.folder().to_owned(), ctx.clone());
        std::thread::spawn(move || {
            if sender.send(fitted(&folder, &library, &pipeline, &Cancel::new())).is_ok() {
                waker.request_repaint();
            }
        });
        capture.fitting = Some(fitting);
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
        self.session.capture.playing = Some(Playing::start(read, move || waker.request_repaint()));
    }

    fn edit_clips(&mut self, edit: ClipEdit) {
        let Some(collection) = self.session.capture.collection.clone() else { return };
        let of = |which: &[usize]| format!("{} clip{}", which.len(), if which.len() == 1 { "" } else { "s" });
        match edit {
            ClipEdit::Label(which, label) => {
                collection.edit(format!("label of {}", of(&which)), |library| library.relabelled(&which, Some(&label)));
            }
            ClipEdit::Delete(which) => {
                collection.edit(format!("delete {}", of(&which)), |library| library.without(&which));
                self.session.capture.selected.clear();
            }
            ClipEdit::Trim(index, start, end) => {
                collection.edit("trim a clip", |library| library.trimmed(index, start, end));
            }
            ClipEdit::SplitAt(index, at) => collection.edit("split a clip", |library| library.split_at(index, at)),
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

/// Whether a folder holds files that no data set of ours lists: they have to be imported.
fn is_of_others(folder: &Path) -> bool {
    let is_other = |entry: std::fs::DirEntry| !["clips", "recordings"].iter().any(|own| entry.file_name() == **own);
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
