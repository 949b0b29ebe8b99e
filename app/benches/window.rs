//! The window as it runs: how soon it is there, what it costs at rest, how long frames take while a slider or a clip is dragged,
//! what it holds in memory. A real window is opened and real pointer events go through it.
//!
//! With software rendering, on a machine without a display:
//!
//!     LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s "-screen 0 1600x1000x24" cargo bench -p tinsmith --bench window [FILE]
//!
//! FILE is a model or project, the sample if none is given. The times are of this machine; none is a test.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use eframe::egui::{
    Context, Event, Modifiers, PointerButton, Pos2, RawInput, Ui, ViewportBuilder, ViewportCommand, Visuals, pos2,
};
use tinsmith::gui::App;
use tinsmith::gui::command::{Command, Unsaved};
use tinsmith_core::recipe::Quantize;

#[global_allocator]
static ALLOCATOR: tinsmith::Allocator = tinsmith::Allocator;

/// What is dragged in a window of 1600x1000: the knob of the samples, and the upper grip of the output's clip.
const SAMPLES: (Pos2, Pos2) = (pos2(258.0, 393.0), pos2(166.0, 393.0));
const CLIP: (Pos2, Pos2) = (pos2(1573.0, 720.0), pos2(1480.0, 720.0));
/// Moves of a drag, there and back again.
const MOVES: usize = 600;
const REST: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begin = Instant::now();
    // Cargo passes flags of its own.
    let file = std::env::args().skip(1).find(|a| !a.starts_with("--")).map(PathBuf::from);
    let file = file.map_or_else(sample, Ok)?;
    let viewport = ViewportBuilder::default().with_title("Tinsmith").with_inner_size([1600.0, 1000.0]).with_position([0.0, 0.0]);
    let options = eframe::NativeOptions { persist_window: false, ..tinsmith::gui::options(viewport) };
    let start = move |creation: &eframe::CreationContext<'_>| {
        let app = App::new(&creation.egui_ctx, Some(file));
        Ok(Box::new(Bench::new(app, begin)) as Box<dyn eframe::App>)
    };
    Ok(eframe::run_native("tinsmith-bench", options, Box::new(start))?)
}

/// A copy of the sample: what is edited is autosaved beside it.
fn sample() -> std::io::Result<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = std::env::temp_dir().join("tinsmith-bench");
    std::fs::create_dir_all(&folder)?;
    for name in ["keyword_float32.tflite", "keyword.npz"] {
        std::fs::copy(root.join("assets/samples/keyword").join(name), folder.join(name))?;
    }
    let text = std::fs::read_to_string(root.join("projects/keyword.ron"))?;
    let project = folder.join("keyword.ron");
    std::fs::write(&project, text.replace("../assets/samples/keyword/", ""))?;
    let _ = std::fs::remove_file(folder.join(".keyword.ron.autosave"));
    Ok(project)
}

/// What is being measured.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Start,
    Settle(Instant),
    Rest(Instant),
    Drag(usize),
    Ended,
}

struct Bench {
    app: App,
    begin: Instant,
    phase: Phase,
    n_frames: usize,
    has_baseline: bool,
    /// Processor time during the rest, taken by a thread while no frame is painted.
    rest_cpu: Receiver<f64>,
    last: Instant,
    drags: std::vec::IntoIter<(&'static str, (Pos2, Pos2))>,
    drag: Option<(&'static str, (Pos2, Pos2))>,
    frames_ms: Vec<f64>,
    before: Option<Quantize>,
    n_edits: usize,
}

impl Bench {
    fn new(app: App, begin: Instant) -> Self {
        let drags = vec![("samples slider", SAMPLES), ("output clip", CLIP)].into_iter();
        Self {
            app,
            begin,
            phase: Phase::Start,
            n_frames: 0,
            has_baseline: false,
            rest_cpu: channel().1,
            last: Instant::now(),
            drags,
            drag: None,
            frames_ms: Vec::new(),
            before: None,
            n_edits: 0,
        }
    }

    fn quantize(&self) -> Option<Quantize> {
        self.app.session().edit.recipe.quantize().cloned()
    }

    fn tell_start(&mut self) {
        let ms = self.begin.elapsed().as_secs_f64() * 1e3;
        if self.n_frames == 1 {
            println!("start to the end of the first frame: {ms:.0} ms");
        }
        let figures = &self.app.session().figures;
        if !self.has_baseline && figures.baseline_static.value.is_some() {
            let accuracy = figures.baseline_accuracy.value.as_ref();
            let has_data = self.app.session().open.as_ref().is_some_and(|o| o.data.is_some());
            if !has_data || accuracy.is_some_and(|a| a.is_complete()) {
                println!("start to the baseline on screen, its accuracy included: {ms:.0} ms");
                self.has_baseline = true;
            }
        }
    }

    fn next_drag(&mut self, ctx: &Context) {
        if let Some((name, _)) = self.drag.take() {
            self.frames_ms.sort_by(f64::total_cmp);
            let at = |q: f64| self.frames_ms[((self.frames_ms.len() - 1) as f64 * q) as usize];
            println!(
                "dragging the {name}: {} frames, {} edits; median {:.1} ms, 99th percentile {:.1} ms, longest {:.1} ms",
                self.frames_ms.len(),
                self.n_edits,
                at(0.5),
                at(0.99),
                at(1.0)
            );
            if self.n_edits == 0 {
                eprintln!("the {name} was not hit: it has moved");
                std::process::exit(1);
            }
        }
        self.drag = self.drags.next();
        (self.frames_ms, self.n_edits, self.before) = (Vec::new(), 0, self.quantize());
        self.phase = if self.drag.is_some() { Phase::Drag(0) } else { Phase::Ended };
        if self.phase == Phase::Ended {
            println!("memory: {} MB", resident_bytes() / (1 << 20));
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        ctx.request_repaint();
    }
}

impl eframe::App for Bench {
    fn raw_input_hook(&mut self, _: &Context, raw: &mut RawInput) {
        let (Phase::Drag(i), Some((_, (from, to)))) = (self.phase, self.drag) else { return };
        let button =
            |pos, pressed| Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        raw.events.clear();
        raw.events.push(match i {
            0..=2 => Event::PointerMoved(from),
            3 => button(from, true),
            i if i < MOVES => {
                // There and back, a little further each time.
                let t = (i as f32 / 40.0 * std::f32::consts::TAU).sin().abs();
                Event::PointerMoved(from + (to - from) * t)
            }
            i if i == MOVES => button(to, false),
            _ => Event::PointerMoved(pos2(800.0, 990.0)),
        });
    }

    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        let now = Instant::now();
        if let Phase::Drag(i) = self.phase {
            if i > 4 && i < MOVES {
                self.frames_ms.push((now - self.last).as_secs_f64() * 1e3);
            }
            let quantize = self.quantize();
            if quantize != self.before {
                (self.before, self.n_edits) = (quantize, self.n_edits + 1);
            }
        }
        self.last = now;
        self.app.step(ctx);
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        self.app.clear_color(visuals)
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.app.show(ui);
        self.n_frames += 1;
        let ctx = ui.ctx().clone();
        match self.phase {
            Phase::Start => {
                self.tell_start();
                if self.app.session().figures.is_complete && self.has_baseline {
                    println!("start to all figures: {:.0} ms", self.begin.elapsed().as_secs_f64() * 1e3);
                    self.phase = Phase::Settle(Instant::now());
                }
                ctx.request_repaint_after(Duration::from_millis(4));
            }
            Phase::Settle(since) if since.elapsed() > Duration::from_secs(3) => {
                println!("memory with all figures: {} MB", resident_bytes() / (1 << 20));
                (self.phase, self.n_frames) = (Phase::Rest(Instant::now()), 0);
                self.rest_cpu = cpu_of_rest();
                ctx.request_repaint_after(REST + Duration::from_secs(2));
            }
            Phase::Settle(_) => ctx.request_repaint_after(Duration::from_millis(50)),
            Phase::Rest(since) if since.elapsed() > REST + Duration::from_secs(1) => {
                // The frame that looks is the bench's own.
                let (s, frames) = (REST.as_secs_f64(), self.n_frames - 1);
                let percent = self.rest_cpu.recv().unwrap_or(f64::NAN) / s * 100.0;
                println!("at rest for {s:.0} s: {frames} frames, {percent:.2} % of a processor");
                self.next_drag(&ctx);
            }
            Phase::Rest(_) => {}
            Phase::Drag(i) if i > MOVES + 60 => self.next_drag(&ctx),
            Phase::Drag(i) => {
                self.phase = Phase::Drag(i + 1);
                ctx.request_repaint();
            }
            // The drags left a change behind, which is asked about.
            Phase::Ended => {
                self.app.send(Command::Unsaved(Unsaved::Discard));
                ctx.request_repaint();
            }
        }
    }
}

/// Processor time that the process takes while it rests, from half a second after now on.
fn cpu_of_rest() -> Receiver<f64> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        let before = cpu_seconds();
        std::thread::sleep(REST);
        let _ = sender.send(cpu_seconds() - before);
    });
    receiver
}

/// Bytes in memory, Linux only.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}

/// Processor time so far, Linux only: the 14th and 15th field of `/proc/self/stat`, in hundredths of a second.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
    fields.iter().sum::<f64>() / 100.0
}
