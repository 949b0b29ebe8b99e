//! What is kept for the user between sessions: theme, contrast, motion, scale, arrangements, recent files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eframe::Storage;
use eframe::egui::{Context, ThemePreference};
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use super::theme::set_style;
use super::workspace::{Pane, Workspace};

/// Scales that the menu offers, 1 is as the system says.
pub const SCALES: [f32; 5] = [1.0, 1.25, 1.5, 1.75, 2.0];

/// Under which keys they are kept: what one of them cannot be read from an older version must not take the others with it.
const SETTINGS: &str = "settings";
const LAYOUTS: &str = "layouts";
const RECENT: &str = "recent";

/// How the window looks and moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark, light or as the system says.
    pub theme: ThemePreference,
    /// Text and lines at full strength on plain grounds.
    pub high_contrast: bool,
    /// Nothing glides, eases or shimmers.
    pub reduced_motion: bool,
    /// Enlargement on top of the system's.
    pub scale: f32,
    /// What was on screen last.
    pub workspace: Workspace,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemePreference::System,
            high_contrast: false,
            reduced_motion: false,
            scale: 1.0,
            workspace: Workspace::default(),
        }
    }
}

impl Settings {
    /// Makes the window look so.
    pub fn apply(&self, ctx: &Context) {
        ctx.set_theme(self.theme);
        ctx.set_zoom_factor(self.scale.clamp(0.5, 3.0));
        set_style(ctx, self.high_contrast, self.reduced_motion);
    }

    /// One step larger or smaller.
    pub fn step_scale(&mut self, steps: f32) {
        self.scale = ((self.scale + steps * 0.25) * 4.0).round().clamp(3.0, 12.0) / 4.0;
    }
}

/// Everything that is kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// How the window looks and moves.
    pub settings: Settings,
    /// Arrangements that the user made.
    pub layouts: BTreeMap<Workspace, Tree<Pane>>,
    /// Recently opened files, newest first.
    pub recent: Vec<PathBuf>,
}

impl Kept {
    /// What was kept last time; what is missing or of another version is as in a new installation.
    pub fn read(storage: &dyn Storage) -> Self {
        Self {
            settings: eframe::get_value(storage, SETTINGS).unwrap_or_default(),
            layouts: eframe::get_value(storage, LAYOUTS).unwrap_or_default(),
            recent: eframe::get_value(storage, RECENT).unwrap_or_default(),
        }
    }

    /// Keeps it for next time.
    pub fn write(&self, storage: &mut dyn Storage) {
        eframe::set_value(storage, SETTINGS, &self.settings);
        eframe::set_value(storage, LAYOUTS, &self.layouts);
        eframe::set_value(storage, RECENT, &self.recent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Memory(BTreeMap<String, String>);

    impl Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }

        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }

        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn what_is_kept_comes_back_and_what_cannot_be_read_is_as_new() {
        let mut storage = Memory::default();
        let area = eframe::egui::vec2(1200.0, 700.0);
        let tree = super::super::workspace::arrange::arrangement(Workspace::Optimize, super::super::room::Room::Usual, area);
        let kept = Kept {
            settings: Settings { high_contrast: true, scale: 1.5, ..Settings::default() },
            layouts: BTreeMap::from([(Workspace::Optimize, tree)]),
            recent: vec![PathBuf::from("a.tflite")],
        };
        kept.write(&mut storage);
        let again = Kept::read(&storage);
        assert_eq!((again.settings, again.recent, again.layouts.len()), (kept.settings, kept.recent.clone(), 1));
        storage.set_string(LAYOUTS, "{Optimise: 5}".to_owned());
        let again = Kept::read(&storage);
        assert_eq!((again.recent, again.layouts.len()), (kept.recent, 0));
    }
}
