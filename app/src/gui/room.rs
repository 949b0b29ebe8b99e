//! How much room the window has, in a few steps of its width. Which arrangement of panels is shown, and what the bars leave out,
//! depends on the step alone. Points, not pixels: a screen of 1280 pixels at 200 % has 640.

use eframe::egui::Context;

/// The narrowest window that everything fits into, and the lowest.
pub const LEAST: [f32; 2] = [640.0, 400.0];
/// Words that would be cut to less than this are left out: an icon says as much.
pub const LEAST_WORDS: f32 = 48.0;

/// From this width on figures of the strip have words beside their marks, and a panel has room above another.
const MEDIUM: f32 = 960.0;
/// From this width on three panels have room beside each other, and the strip has room for the baseline.
const USUAL: f32 = 1200.0;
/// From this width on panels at the side can be wide.
const WIDE: f32 = 1416.0;

/// A step of the window's width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Two panels beside each other, the others behind them as tabs; marks in place of words.
    Narrow,
    /// Two columns of panels; short words.
    Medium,
    /// What the window is designed for.
    Usual,
    /// Wide panels at the sides.
    Wide,
}

impl Room {
    /// The room of the whole window.
    pub fn of(ctx: &Context) -> Self {
        Self::at(ctx.content_rect().width())
    }

    /// The room of a window of this width.
    pub fn at(width: f32) -> Self {
        match width {
            w if w < MEDIUM => Self::Narrow,
            w if w < USUAL => Self::Medium,
            w if w < WIDE => Self::Usual,
            _ => Self::Wide,
        }
    }
}
