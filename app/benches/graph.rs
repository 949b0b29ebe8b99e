//! How long a graph of 5,000 nodes takes to lay out, how long a frame of the graph panel takes while it is panned and zoomed, and
//! what a frame of each workspace costs in which nothing has changed.
//!
//! `cargo bench -p tinsmith --bench graph`; with `-- workspaces` only the last. Frames are computed without a display, from input to triangles, on one thread; uploading
//! them to a graphics card is not counted. Times are by the clock on the wall: on a busy machine the last percent is its scheduler's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::epaint::Primitive;
use eframe::egui::{Context, Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase, Vec2, vec2};
use tinsmith::gui::App;
use tinsmith::gui::command::{Action, Command, Commands, Quantity, Shown};
use tinsmith::gui::context::PanelCtx;
use tinsmith::gui::graph_view::layout::layout;
use tinsmith::gui::panels::graph::GraphPanel;
use tinsmith::gui::session::{Edit, Open, Session};
use tinsmith::gui::theme;
use tinsmith::gui::workspace::Workspace;
use tinsmith::worker::GraphRef;
use tinsmith_core::graph::{Graph, Node, TensorId};
use tinsmith_core::ops::{Activation, Binary, BinaryKind, Conv2d, DepthwiseConv2d, Op, Padding};
use tinsmith_core::preview::{Source, exported};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Recipe;
use tinsmith_core::tensor::{Data, ElementType, Tensor};

const NODES: usize = 5000;
const SCREEN: Vec2 = vec2(1600.0, 1000.0);
const FRAMES: usize = 240;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if !std::env::args().any(|a| a == "workspaces") {
        graphs();
    }
    workspaces()
}

fn graphs() {
    for (name, graph) in [
        ("residual chain", residuals()),
        ("branches", branches(4)),
        ("side branches", branches(2)),
        ("wide", wide()),
        ("cross links", cross_links()),
    ] {
        println!("{name}: {} nodes", graph.nodes.len());
        let times: Vec<Duration> = (0..5).map(|_| lay_out(&graph)).collect();
        println!("  layout            {}", spread(times));
        let mut window = Window::new(graph);
        println!("  pan, whole graph  {}   {} vertices", spread(window.pan()), window.vertices);
        println!("  zoom in and out   {}", spread(window.zoom()));
        window.zoom_to(0.4);
        println!("  pan, kinds        {}", spread(window.pan()));
        window.zoom_to(0.7);
        println!("  pan, names        {}", spread(window.pan()));
    }
}

fn lay_out(graph: &Graph) -> Duration {
    let start = Instant::now();
    let laid_out = layout(graph, &BTreeSet::new(), SCREEN, &Cancel::new());
    assert!(laid_out.is_ok_and(|l| l.placed.len() >= graph.nodes.len()));
    start.elapsed()
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("median {:7.2} ms   99 % {:7.2} ms   most {:7.2} ms", ms(0.5), ms(0.99), ms(1.0))
}

/// The graph panel in a window of its own.
struct Window {
    ctx: Context,
    panel: GraphPanel,
    session: Session,
    time_s: f64,
    /// Of the last frame.
    vertices: usize,
}

impl Window {
    fn new(graph: Graph) -> Self {
        let ctx = Context::default();
        theme::install(&ctx);
        let source = Arc::new(Source::in_memory("bench", graph));
        let mut session = Session::default();
        session.show(Open::new(Arc::clone(&source), Recipe::default()), Edit::new(Recipe::default()));
        session.shown = Shown::Source;
        session.layout = layout(&source.graph, &BTreeSet::new(), SCREEN, &Cancel::new()).ok().map(Arc::new);
        session.layout_of = Some(GraphRef::Source(source));
        let mut window = Self { ctx, panel: GraphPanel::default(), session, time_s: 0.0, vertices: 0 };
        window.frame(vec![Event::PointerMoved(SCREEN.to_pos2() / 2.0)]);
        window.frame(Vec::new());
        window
    }

    /// One frame: CPU from input to triangles.
    fn frame(&mut self, events: Vec<Event>) -> Duration {
        self.time_s += 1.0 / 60.0;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SCREEN));
        let input = RawInput { screen_rect, time: Some(self.time_s), events, ..RawInput::default() };
        let start = Instant::now();
        let commands = Commands::default();
        let mut output = self.ctx.run_ui(input, |ui| self.panel.ui(PanelCtx { session: &self.session, commands: &commands }, ui));
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        self.vertices =
            triangles.iter().map(|t| if let Primitive::Mesh(mesh) = &t.primitive { mesh.vertices.len() } else { 0 }).sum();
        let took = start.elapsed();
        output.textures_delta.clear();
        assert!(!commands.take().iter().any(|c| matches!(c, Command::OpenPath(_))));
        took
    }

    fn wheel(&mut self, by: f32) -> Duration {
        let wheel = Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, by),
            phase: TouchPhase::Move,
            source: MouseWheelSource::Wheel,
            modifiers: Modifiers::default(),
        };
        self.frame(vec![wheel])
    }
}

impl Window {
    /// Drags to and fro.
    fn pan(&mut self) -> Vec<Duration> {
        let centre = SCREEN.to_pos2() / 2.0;
        let button = |pressed| Event::PointerButton {
            pos: centre,
            button: eframe::egui::PointerButton::Middle,
            pressed,
            modifiers: Modifiers::default(),
        };
        self.frame(vec![Event::PointerMoved(centre), button(true)]);
        let drag = |i: usize| centre + Vec2::angled(i as f32 / 20.0) * 300.0;
        let times = (0..FRAMES).map(|i| self.frame(vec![Event::PointerMoved(drag(i))])).collect();
        self.frame(vec![Event::PointerMoved(centre), button(false)]);
        times
    }

    /// From the whole graph to single boxes and back.
    fn zoom(&mut self) -> Vec<Duration> {
        let mut times: Vec<Duration> = (0..FRAMES / 2).map(|_| self.wheel(12.0)).collect();
        times.extend((0..FRAMES / 2).map(|_| self.wheel(-12.0)));
        times
    }

    fn zoom_to(&mut self, zoom: f32) {
        for _ in 0..1000 {
            match self.panel.zoom() {
                Some(now) if now < zoom => self.wheel(10.0),
                _ => break,
            };
        }
        // The wheel runs on for a moment.
        (0..30).for_each(|_| {
            self.frame(Vec::new());
        });
    }
}

// ---------------------------------------------------------------------------------------------------------- workspaces

/// The whole window on a model of 5,000 layers with all its figures.
struct Whole {
    ctx: Context,
    app: App,
    time_s: f64,
}

impl Whole {
    fn frame(&mut self) -> Duration {
        self.time_s += 1.0 / 60.0;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, SCREEN));
        let input = RawInput { screen_rect, time: Some(self.time_s), ..RawInput::default() };
        let start = Instant::now();
        let mut output = self.ctx.run_ui(input, |ui| {
            self.app.step(ui.ctx());
            self.app.show(ui);
        });
        let _triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let took = start.elapsed();
        output.textures_delta.clear();
        took
    }

    fn wait(&mut self, what: &str, done: impl Fn(&Session) -> bool) -> Result<(), String> {
        let start = Instant::now();
        while !done(self.app.session()) {
            self.frame();
            if start.elapsed() > Duration::from_secs(300) {
                let session = self.app.session();
                return Err(format!("{what}: {}; {:?}; {:?}", session.message, session.figures.failure, session.notices.all()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits for what a workspace asks of the worker, then looks on while nothing changes.
    fn rest(&mut self) -> Vec<Duration> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(6) {
            self.frame();
            std::thread::sleep(Duration::from_millis(10));
        }
        (0..FRAMES).map(|_| self.frame()).collect()
    }
}

fn workspaces() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("tinsmith-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = workspaces_in(&folder);
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

fn workspaces_in(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let (model, data) = (folder.join("many.tflite"), folder.join("many.npy"));
    std::fs::write(&model, exported(&residuals())?)?;
    std::fs::write(&data, samples(40))?;
    let ctx = Context::default();
    let mut whole = Whole { app: App::new(&ctx, Some(model)), ctx, time_s: 0.0 };
    whole.wait("the model", |s| s.open.is_some())?;
    whole.app.send(Command::OpenPath(data));
    whole.wait("the data", |s| s.open.as_ref().is_some_and(|o| o.data.is_some()))?;
    whole.wait("all figures", |s| s.figures.is_complete && s.layout.is_some())?;
    println!("workspaces at rest: {NODES} layers");
    for workspace in Workspace::ALL {
        whole.app.send(Command::Do(Action::Go(workspace)));
        println!("  {:<17} {}", workspace.name(), spread(whole.rest()));
    }
    whole.app.send(Command::Do(Action::Go(Workspace::Optimize)));
    whole.app.send(Command::Do(Action::SelectAll));
    println!("  {:<17} {}", "all selected", spread(whole.rest()));
    for quantity in [Quantity::Ram, Quantity::Accuracy] {
        whole.app.send(Command::Explain(Some(quantity)));
        println!("  {:<17} {}", format!("explained {quantity:?}"), spread(whole.rest()));
    }
    Ok(())
}

/// An .npy file of so many samples for the nets below.
fn samples(n: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, 8, 8, 4), }}");
    // The values start at a multiple of 64 bytes, after ten bytes before the header.
    header.extend(std::iter::repeat_n(' ', 64 * 2 - 10 - 1 - header.len()));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend((0..n * 8 * 8 * 4).flat_map(|i| ((i % 17) as f32 / 17.0 - 0.4).to_le_bytes()));
    file
}

// ---------------------------------------------------------------------------------------------------------------- nets

/// A net that grows.
struct Growing {
    graph: Graph,
    weights: [TensorId; 3],
}

impl Growing {
    fn new() -> (Self, TensorId) {
        let mut graph = Graph::default();
        let input = graph.add_tensor(Tensor::activation("in", ElementType::F32, [1, 8, 8, 4]));
        graph.inputs.push(input);
        let shapes: [[usize; 4]; 3] = [[4, 3, 3, 4], [1, 3, 3, 4], [4, 1, 1, 4]];
        let weights = shapes.map(|shape| {
            let values = vec![0.5f32; shape.iter().product()];
            graph.add_tensor(Tensor::constant("w", shape, Data::F32(values.into())))
        });
        (Self { graph, weights }, input)
    }

    fn then(&mut self, op: Op, inputs: Vec<TensorId>) -> TensorId {
        let n = self.graph.nodes.len();
        let output = self.graph.add_tensor(Tensor::activation(format!("t{n}"), ElementType::F32, [1, 8, 8, 4]));
        let name = format!("model/stage_{}/layer_{n}/Conv2D", n / 100);
        let inputs = inputs.into_iter().map(Some).collect();
        self.graph.nodes.push(Node { sources: vec![name.clone()], name, op, inputs, outputs: vec![output] });
        output
    }

    fn conv(&mut self, from: TensorId, pointwise: bool) -> TensorId {
        let op = Conv2d { stride: [1, 1], dilation: [1, 1], padding: Padding::Same, activation: Activation::Relu6 };
        let weights = self.weights[if pointwise { 2 } else { 0 }];
        self.then(Op::Conv2d(op), vec![from, weights])
    }

    fn depthwise(&mut self, from: TensorId) -> TensorId {
        let (stride, dilation, activation) = ([1, 1], [1, 1], Activation::Relu6);
        let op = DepthwiseConv2d { stride, dilation, padding: Padding::Same, depth_multiplier: 1, activation };
        let weights = self.weights[1];
        self.then(Op::DepthwiseConv2d(op), vec![from, weights])
    }

    fn add(&mut self, all: Vec<TensorId>) -> TensorId {
        self.then(Op::Binary(Binary { kind: BinaryKind::Add, activation: Activation::None }), all)
    }

    fn is_full(&self) -> bool {
        self.graph.nodes.len() >= NODES
    }

    fn finish(mut self, last: TensorId) -> Graph {
        self.graph.outputs.push(last);
        self.graph
    }
}

/// Inverted residuals, as in MobileNet v2, with a long skip now and then.
fn residuals() -> Graph {
    let (mut net, mut last) = Growing::new();
    let mut early = last;
    while !net.is_full() {
        let expanded = net.conv(last, true);
        let depthwise = net.depthwise(expanded);
        let projected = net.conv(depthwise, true);
        let is_long = net.graph.nodes.len().is_multiple_of(25);
        last = net.add(if is_long { vec![projected, last, early] } else { vec![projected, last] });
        if is_long {
            early = last;
        }
    }
    net.finish(last)
}

/// Blocks of four branches of one to four convolutions, of which so many are added up; the others lead nowhere.
fn branches(n_added: usize) -> Graph {
    let (mut net, mut last) = Growing::new();
    while !net.is_full() {
        let branch = |net: &mut Growing, length: usize| (0..length).fold(last, |at, i| net.conv(at, i % 2 == 0));
        let ends: Vec<TensorId> = (1..=4).map(|length| branch(&mut net, length)).collect();
        last = net.add(ends.into_iter().take(n_added).collect());
    }
    net.finish(last)
}

/// Fifty chains beside one another.
fn wide() -> Graph {
    let (mut net, input) = Growing::new();
    let ends = (0..50).map(|_| (0..NODES / 50).fold(input, |at, i| net.conv(at, i % 3 == 0))).collect();
    let last = net.add(ends);
    net.finish(last)
}

/// Ten nodes abreast, each reading two of those before it.
fn cross_links() -> Graph {
    let (mut net, input) = Growing::new();
    let mut before = vec![input; 10];
    let mut seed = 12345u32;
    while !net.is_full() {
        let mut pick = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % before.len()
        };
        let pairs: Vec<(usize, usize)> = (0..before.len()).map(|_| (pick(), pick())).collect();
        before = pairs.iter().map(|&(a, b)| net.add(vec![before[a], before[b]])).collect();
    }
    let last = net.add(before);
    net.finish(last)
}
