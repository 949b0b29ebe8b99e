//! The window: six workspaces in which a recipe is edited and every figure follows.
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`app`] | the window as a whole: events in, panels, commands out |
//! | [`session`], [`figures`] | what is open and what is known about it; no widget in it |
//! | [`candidates`], [`on_demand`] | the candidates of a project, and results that only some panels need |
//! | [`capture`], [`live`] | what is recorded and where to; what is listened to |
//! | [`command`], [`context`] | what panels may ask for, and what they are lent |
//! | [`dialogs`] | asking for files and folders |
//! | [`workspace`] | which panels there are, and how they are docked |
//! | [`settings`], [`notice`] | what is kept for the user, and what is told |
//! | [`panels`] | one file a panel |
//! | [`kept`] | what is made once and kept while it is of the very same |
//! | [`graph_view`] | layout, painting and selection of the layer graph |
//! | [`widgets`], `plots`, [`theme`], [`units`] | controls, plots, colours and type, figures as text |
//! | [`picture`] | what is on screen as SVG or PNG |
//!
//! Architecture invariant: a frame only paints and compares. Whatever takes longer than a millisecond runs in [`crate::worker`].

pub mod app;
pub mod background;
pub mod c_words;
pub mod candidates;
pub mod capture;
pub mod command;
pub mod context;
pub mod dialogs;
pub mod figures;
pub mod graph_view;
pub mod icons;
pub mod kept;
pub mod layer_diff;
pub mod line_diff;
pub mod lineage;
pub mod live;
pub mod lowering;
pub mod notice;
pub mod offers;
pub mod on_demand;
pub mod panels;
pub mod picture;
pub mod plots;
pub mod room;
pub mod session;
pub mod settings;
pub mod squarify;
pub mod steps;
pub mod theme;
pub mod units;
pub mod widgets;
pub mod workspace;

use std::path::PathBuf;

use eframe::egui::{ThemePreference, ViewportBuilder};

pub use app::App;

/// Set to `dark` or `light` to show that theme whatever the system says.
const THEME_VARIABLE: &str = "TINSMITH_THEME";

/// How every window of the program is painted.
pub fn options(viewport: ViewportBuilder) -> eframe::NativeOptions {
    // There are no gradients to dither, and where the processor paints every pixel that noise costs a quarter of the frame.
    eframe::NativeOptions { viewport, dithering: false, ..Default::default() }
}

/// Opens the window on a project or a model, and returns when it is closed. Without either, on the sample project; where that is
/// not at hand, on a page that says how to begin.
///
/// # Errors
/// No window can be opened: no display, or no OpenGL.
pub fn open(path: Option<PathBuf>) -> Result<(), eframe::Error> {
    let viewport = ViewportBuilder::default()
        .with_title("Tinsmith")
        .with_app_id("tinsmith")
        .with_inner_size([1600.0, 1000.0])
        .with_min_inner_size(room::LEAST)
        .with_drag_and_drop(true);
    let options = options(viewport);
    let start = move |creation: &eframe::CreationContext<'_>| {
        let mut app = App::new(&creation.egui_ctx, path.or_else(crate::worker::sample_project));
        let mut kept = creation.storage.map(settings::Kept::read).unwrap_or_default();
        match std::env::var(THEME_VARIABLE).as_deref() {
            Ok("dark") => kept.settings.theme = ThemePreference::Dark,
            Ok("light") => kept.settings.theme = ThemePreference::Light,
            _ => {}
        }
        app.restore(kept, &creation.egui_ctx);
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    eframe::run_native("tinsmith", options, Box::new(start))
}
