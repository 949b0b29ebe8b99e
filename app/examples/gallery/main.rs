//! Pictures of the window in every workspace and state, taken by the real program of itself.
//!
//! `sh app/gallery` runs it where there is no display; `cargo run --release -p tinsmith --example gallery -- OUT [NAME]...` where
//! there is one. NAME leaves out all scenes whose name does not contain it. Models of other people are looked for in ../shared (or
//! where TINSMITH_SHARED says); scenes that need them are left out, with a word, where they are absent.

mod picture;
mod scenes;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use eframe::egui::{ColorImage, Context, ThemePreference, Ui, Vec2, ViewportBuilder, ViewportCommand, Visuals};
use tinsmith::gui::App;
use tinsmith::gui::settings::{Kept, Settings};
use tinsmith::worker::project_beside;
use tinsmith_core::project::discard_autosave;

use scenes::{Scene, is_at_rest, scenes};

/// Longer than any scene needs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Frames after which a window that was resized and a scene that is ready have come to rest.
const REST: usize = 40;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().ok_or("usage: gallery OUT [NAME]...")?);
    let wanted: Vec<String> = arguments.collect();
    std::fs::create_dir_all(&out)?;
    let work = tempdir()?;
    let shots: Vec<Scene> =
        scenes(&work)?.into_iter().filter(|s| wanted.is_empty() || wanted.iter().any(|w| s.name.contains(w.as_str()))).collect();
    let viewport = ViewportBuilder::default().with_title("Tinsmith").with_inner_size([1280.0, 800.0]).with_position([0.0, 0.0]);
    let options = eframe::NativeOptions { persist_window: false, ..tinsmith::gui::options(viewport) };
    let start =
        move |creation: &eframe::CreationContext<'_>| Ok(Box::new(Gallery::new(out, shots, creation)) as Box<dyn eframe::App>);
    eframe::run_native("tinsmith-gallery", options, Box::new(start))?;
    let _ = std::fs::remove_dir_all(work);
    Ok(())
}

fn tempdir() -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("tinsmith-gallery-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Shows one scene after another and takes a picture of each.
struct Gallery {
    out: PathBuf,
    left: std::vec::IntoIter<Scene>,
    now: Option<Showing>,
    pictures: (Sender<Arc<ColorImage>>, Receiver<Arc<ColorImage>>),
}

/// The scene on screen.
struct Showing {
    scene: Scene,
    app: App,
    since: Instant,
    /// Commands still to be left, one a frame.
    commands: std::vec::IntoIter<tinsmith::gui::command::Command>,
    is_sized: bool,
    n_frames: usize,
    is_ready: bool,
    rested: usize,
    is_asked: bool,
}

impl Gallery {
    fn new(out: PathBuf, scenes: Vec<Scene>, creation: &eframe::CreationContext<'_>) -> Self {
        let mut gallery = Self { out, left: scenes.into_iter(), now: None, pictures: channel() };
        gallery.next(&creation.egui_ctx);
        gallery
    }

    fn next(&mut self, ctx: &Context) {
        self.now = self.left.next().map(|scene| Showing::new(scene, ctx));
        if self.now.is_none() {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl Showing {
    fn new(scene: Scene, ctx: &Context) -> Self {
        if let Some(path) = scene.open.as_ref().filter(|_| !scene.has_unsaved) {
            let is_project = path.extension().is_some_and(|e| e == "ron");
            let _ = discard_autosave(&if is_project { path.clone() } else { project_beside(path) });
        }
        let mut app = App::new(ctx, scene.open.clone());
        let theme = if scene.is_dark { ThemePreference::Dark } else { ThemePreference::Light };
        let settings = Settings {
            theme,
            high_contrast: scene.high_contrast,
            reduced_motion: true,
            scale: scene.scale,
            workspace: scene.workspace,
        };
        app.restore(Kept { settings, recent: scene.recent.clone(), ..Kept::default() }, ctx);
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(Vec2::from(scene.size)));
        let commands = scene.commands.clone().into_iter();
        Self {
            scene,
            app,
            since: Instant::now(),
            commands,
            is_sized: false,
            n_frames: 0,
            is_ready: false,
            rested: 0,
            is_asked: false,
        }
    }

    /// Whether the picture can be taken.
    fn step(&mut self, ctx: &Context) -> bool {
        self.is_sized = (ctx.content_rect().size() - Vec2::from(self.scene.size)).length() <= 2.0;
        if !self.is_sized && self.since.elapsed() < PATIENCE {
            // A size is in points of the scale in force, so it is asked for until it is there; nothing happens before.
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(Vec2::from(self.scene.size)));
            return false;
        }
        self.app.step(ctx);
        if self.since.elapsed() > PATIENCE {
            eprintln!("{}: never came to rest, taken as it is", self.scene.name);
            return true;
        }
        self.n_frames += 1;
        // What is to be opened is only on its way from the second frame on.
        let is_there = self.n_frames > 3 && (self.scene.ready)(&self.app);
        // What passes has to be set off before it can be there.
        let may_command = if self.scene.is_fleeting { self.app.session().open.is_some() } else { is_there };
        match self.commands.as_slice() {
            [] if self.scene.edit.is_some() => {
                if self.n_frames > 3
                    && is_at_rest(&self.app)
                    && let Some(edit) = self.scene.edit.take()
                {
                    let mut to = self.app.session().edit.clone();
                    edit(&mut to);
                    self.app.take_edit(to, ctx);
                    // What passes may be over by the next frame.
                    self.is_ready = self.scene.is_fleeting && (self.scene.ready)(&self.app);
                }
            }
            [] => self.is_ready |= is_there,
            _ if may_command => self.commands.by_ref().take(1).for_each(|command| self.app.send(command)),
            _ => {}
        }
        self.rested += usize::from(self.is_ready);
        self.rested > if self.scene.is_fleeting { 0 } else { REST }
    }
}

impl eframe::App for Gallery {
    fn raw_input_hook(&mut self, _ctx: &Context, raw: &mut eframe::egui::RawInput) {
        if let Some(Showing { scene: Scene { held: Some(path), .. }, .. }) = &self.now {
            raw.hovered_files = vec![eframe::egui::HoveredFile { path: Some(path.clone()), mime: String::new() }];
        }
    }

    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        ctx.request_repaint();
        if let Ok(image) = self.pictures.1.try_recv() {
            if let Some(showing) = self.now.take() {
                let path = self.out.join(format!("{}.png", showing.scene.name));
                match picture::write(&path, &image) {
                    Ok(bytes) => println!("{} {}x{} {bytes} bytes", path.display(), image.width(), image.height()),
                    Err(error) => eprintln!("{}: {error}", path.display()),
                }
            }
            self.next(ctx);
        }
        let Some(showing) = &mut self.now else { return };
        if showing.step(ctx) && !showing.is_asked {
            showing.is_asked = true;
            let (sender, wake) = (self.pictures.0.clone(), ctx.clone());
            ctx.request_screenshot(move |image| {
                let _ = sender.send(image);
                wake.request_repaint();
            });
        }
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        self.now.as_ref().map_or([0.0, 0.0, 0.0, 1.0], |showing| showing.app.clear_color(visuals))
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        if let Some(showing) = self.now.as_mut().filter(|showing| showing.is_sized) {
            showing.app.show(ui);
        }
    }
}
