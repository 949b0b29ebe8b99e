//! The window: the *Optimize* workspace, in which a recipe is edited and every figure follows.
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`app`] | the window as a whole: events in, panels, commands out |
//! | [`session`], [`figures`] | what is open and what is known about it; no widget in it |
//! | [`command`], [`context`] | what panels may ask for, and what they are lent |
//! | [`panels`] | one file a panel |
//! | [`graph_view`] | layout, painting and selection of the layer graph |
//! | [`widgets`], `plots`, [`theme`], [`units`] | controls, plots, colours and type, figures as text |
//! | [`picture`] | what is on screen as SVG or PNG |
//!
//! Architecture invariant: a frame only paints and compares. Whatever takes longer than a millisecond runs in [`crate::worker`].

pub mod app;
pub mod command;
pub mod context;
mod dialogs;
pub mod figures;
pub mod graph_view;
pub mod icons;
pub mod panels;
pub mod picture;
mod plots;
pub mod session;
pub mod theme;
pub mod units;
pub mod widgets;

use std::path::PathBuf;

use eframe::egui::{ThemePreference, ViewportBuilder};

pub use app::App;

/// Under which key recent files are remembered.
const RECENT_KEY: &str = "recent";
/// Set to `dark` or `light` to show that theme whatever the system says.
const THEME_VARIABLE: &str = "TINSMITH_THEME";

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
        .with_min_inner_size([960.0, 600.0])
        .with_drag_and_drop(true);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let start = move |creation: &eframe::CreationContext<'_>| {
        let mut app = App::new(&creation.egui_ctx, path.or_else(crate::worker::sample_project));
        if let Some(recent) = creation.storage.and_then(|s| eframe::get_value::<Vec<PathBuf>>(s, RECENT_KEY)) {
            app.set_recent(recent);
        }
        match std::env::var(THEME_VARIABLE).as_deref() {
            Ok("dark") => creation.egui_ctx.set_theme(ThemePreference::Dark),
            Ok("light") => creation.egui_ctx.set_theme(ThemePreference::Light),
            _ => {}
        }
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    eframe::run_native("tinsmith", options, Box::new(start))
}
