//! The window as a user finds it: by the words on it. No renderer and no display are needed; what is painted is not looked at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::dialogs::Wanted;
use tinsmith::gui::{App, theme};
use tinsmith_core::graph::{Graph, Node};
use tinsmith_core::ops::{Op, Softmax};
use tinsmith_core::recipe::Scheme;
use tinsmith_core::tensor::{ElementType, Tensor};

/// The whole window.
pub type Window = Harness<'static, Option<App>>;

/// Longer than any machine needs; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(240);

/// A folder of its own for a test, gone afterwards.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty folder.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tinsmith-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The sample's model and data, copied here so that nothing is written beside the originals.
    pub fn sample(&self) -> (PathBuf, PathBuf) {
        let from = crate::root().join("assets/samples/keyword");
        let copy = |name: &str| {
            let to = self.0.join(name);
            std::fs::copy(from.join(name), &to).unwrap();
            to
        };
        (copy("keyword_float32.tflite"), copy("keyword.npz"))
    }
}

impl Folder {
    /// The sample as a project of its own: its file, with model and data beside it.
    pub fn project(&self) -> PathBuf {
        let (_, _) = self.sample();
        let text = std::fs::read_to_string(crate::root().join("projects/keyword.ron")).unwrap();
        let path = self.0.join("keyword.ron");
        std::fs::write(&path, text.replace("../assets/samples/keyword/", "")).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens a window of 1280x800 on a file, or on the first page.
pub fn open(path: Option<PathBuf>) -> Window {
    open_sized(path, [1280.0, 800.0])
}

/// The same in another size, points.
pub fn open_sized(path: Option<PathBuf>, size: [f32; 2]) -> Window {
    let frame = move |ui: &mut eframe::egui::Ui, app: &mut Option<App>| {
        let app = app.get_or_insert_with(|| App::new(ui.ctx(), path.clone()));
        app.step(ui.ctx());
        app.show(ui);
    };
    Harness::builder().with_size(size).with_step_dt(0.1).with_context_setup(theme::install).build_ui_state(frame, None)
}

/// What a window asked the user for, in order.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<Mutex<Vec<Wanted>>>);

impl Asked {
    /// All of it so far.
    pub fn all(&self) -> Vec<Wanted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// From now on the user picks this file or folder in every dialog, or closes it without a choice.
pub fn picks(window: &mut Window, answer: Option<PathBuf>) -> Asked {
    let asked = Asked::default();
    let seen = asked.clone();
    let picker = move |wanted: &Wanted| {
        seen.0.lock().unwrap_or_else(PoisonError::into_inner).push(wanted.clone());
        answer.clone()
    };
    window.state_mut().as_mut().expect("the first frame makes the app").pick_with(Arc::new(picker));
    asked
}

/// What the window shows.
pub fn app(window: &Window) -> &App {
    window.state().as_ref().expect("the first frame makes the app")
}

/// Leaves a command and shows a frame.
pub fn send(window: &mut Window, command: Command) {
    app(window).send(command);
    window.step();
}

/// Leaves an action and shows a frame.
pub fn act(window: &mut Window, action: Action) {
    send(window, Command::Do(action));
}

/// Frames until menus are open, animations over and the history at rest.
pub fn settle(window: &mut Window) {
    for _ in 0..12 {
        window.step();
    }
}

/// Shows frames until something holds.
pub fn wait(window: &mut Window, what: &str, done: impl Fn(&App) -> bool) {
    let start = Instant::now();
    loop {
        window.step();
        if done(app(window)) {
            // One more, so that what is shown is what is known.
            return window.step();
        }
        let session = app(window).session();
        assert!(
            start.elapsed() < PATIENCE,
            "waited in vain for {what}; {}; {:?}; {:?}",
            session.message,
            session.figures.failure,
            session.notices.all()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether all figures are there.
pub fn is_complete(app: &App) -> bool {
    app.session().figures.is_complete
}

/// The scheme of the recipe.
pub fn scheme(app: &App) -> Option<Scheme> {
    app.session().edit.recipe.quantize().map(|q| q.scheme)
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

/// Drops a file on the window.
pub fn drop_file(window: &mut Window, path: &Path) {
    window.input_mut().dropped_files.push(Arc::new(Dropped(path.to_owned())));
    window.step();
    // Dropped once: the harness keeps its input from frame to frame.
    window.input_mut().dropped_files.clear();
    window.step();
}

/// Whether something with this name is on screen.
pub fn is_shown(window: &Window, label: &str) -> bool {
    window.query_all_by_label(label).next().is_some()
}

/// Whether some word on screen holds this.
pub fn holds(window: &Window, part: &str) -> bool {
    let words = |text: Option<String>| text.is_some_and(|text| text.contains(part));
    window.root().children_recursive().any(|n| words(n.accesskit_node().label()) || words(n.accesskit_node().value()))
}

/// Presses a key with modifiers and shows a frame.
pub fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.step();
}

/// Presses at one place, moves to another in ten frames, and lets go.
pub fn drag(window: &mut Window, from: Pos2, to: Pos2) {
    press_and_move(window, from, to, 10);
}

/// A click of a hand that is not quick: a few frames lie between pressing and letting go.
pub fn click_slowly(window: &mut Window, at: Pos2) {
    press_and_move(window, at, at, 3);
}

fn press_and_move(window: &mut Window, from: Pos2, to: Pos2, frames: usize) {
    let button = |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
    window.hover_at(from);
    window.step();
    window.event(button(from, true));
    window.step();
    for i in 1..=frames {
        window.hover_at(from.lerp(to, i as f32 / frames as f32));
        window.step();
    }
    window.event(button(to, false));
    settle(window);
}

/// A graph of `n` softmaxes, one after another.
pub fn chain(n: usize) -> Graph {
    let mut graph = Graph::default();
    let mut last = graph.add_tensor(Tensor::activation("in", ElementType::F32, [1, 4]));
    graph.inputs.push(last);
    for i in 0..n {
        let out = graph.add_tensor(Tensor::activation(format!("t{i}"), ElementType::F32, [1, 4]));
        let op = Op::Softmax(Softmax { beta: 1.0 });
        graph.nodes.push(Node { name: format!("n{i}"), op, inputs: vec![Some(last)], outputs: vec![out], sources: vec![] });
        last = out;
    }
    graph.outputs.push(last);
    graph
}
