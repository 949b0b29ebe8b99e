//! Pictures of what is on screen: as SVG from the shapes that were painted, with text as text, or as PNG from the window's own
//! pixels. Knows no plot and no graph: whatever paints into a rectangle can be saved.
//!
//! How a picture comes about: somebody leaves [`Command::SavePicture`] with the name of what to save; whoever paints under that
//! name sees it in the session a frame later, when menus are closed again, and hands over what it painted with [`take`]; the worker
//! asks where to and writes it.

mod png;
mod svg;

use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::epaint::ClippedShape;
use eframe::egui::layers::ShapeIdx;
use eframe::egui::{Color32, ColorImage, Rect, Shape, Ui};

use super::command::Command;
use super::context::PanelCtx;

pub use png::png;
pub use svg::svg;

/// What a picture is stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Shapes and text.
    Svg,
    /// The window's pixels.
    Png,
}

impl Format {
    /// Of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// A picture that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Of what: `Weights plot`.
    pub name: String,
    /// Stored as what.
    pub format: Format,
    /// Where to; `None` asks the user.
    pub to: Option<PathBuf>,
}

impl Request {
    /// A name for the file: `weights-plot.svg`.
    pub fn file_name(&self) -> String {
        let stem: String = self.name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        format!("{stem}.{}", self.format.extension())
    }
}

/// What was painted for a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Why it was taken.
    pub request: Request,
    /// Where it lies in the window.
    pub rect: Rect,
    /// The finished picture, if it is made from shapes.
    pub svg: Option<String>,
}

/// A picture on its way to a file.
#[derive(Clone, Debug)]
pub enum Content {
    /// An SVG.
    Svg(String),
    /// The whole window and the part of it to keep, in pixels a point.
    Pixels(Arc<ColorImage>, Rect, f32),
}

impl Content {
    /// The bytes of the file.
    ///
    /// # Errors
    /// The part lies outside the window; says so in words.
    pub fn encode(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Svg(text) => Ok(text.into_bytes()),
            Self::Pixels(image, rect, pixels_per_point) => png(&image, rect, pixels_per_point),
        }
    }
}

/// Remembers how far the layer is painted, for [`take`].
pub fn mark(ui: &Ui) -> ShapeIdx {
    ui.painter().add(Shape::Noop)
}

/// Whether a picture of what is called `name` is wanted this frame: what belongs to the pointer is then left out.
pub fn is_wanted(cx: PanelCtx<'_>, name: &str) -> bool {
    cx.session.picture.as_ref().is_some_and(|r| r.name == name)
}

/// Lets everything in `rect` be painted for a picture made from shapes, though the panel shows but a part of it. Returns what the
/// panel shows, to be put back with [`cover`]; `None` if no such picture is wanted.
pub fn uncover(cx: PanelCtx<'_>, ui: &mut Ui, name: &str, rect: Rect) -> Option<Rect> {
    let is_svg = cx.session.picture.as_ref().is_some_and(|r| r.name == name && r.format == Format::Svg);
    let shown = ui.clip_rect();
    (is_svg && !is_in_view(shown, rect)).then(|| {
        ui.set_clip_rect(shown.union(rect));
        shown
    })
}

/// Of what was painted since `from` only what lies in `shown` stays on screen.
pub fn cover(ui: &mut Ui, from: ShapeIdx, shown: Rect) {
    ui.set_clip_rect(shown);
    let layer = ui.layer_id();
    ui.ctx().graphics_mut(|graphics| {
        let painted = graphics.entry(layer);
        for i in from.0..painted.next_idx().0 {
            painted.mutate_shape(ShapeIdx(i), |shape| shape.clip_rect = shape.clip_rect.intersect(shown));
        }
    });
}

/// How far a picture may reach beyond what its panel shows: the ends of numbers along an axis.
const BLEED: f32 = 8.0;

fn is_in_view(shown: Rect, rect: Rect) -> bool {
    shown.expand(BLEED).contains_rect(rect)
}

/// Hands over what was painted into `rect` since `from`, on `ground`, if a picture of it is wanted and all of it is in view: what is
/// scrolled away is not painted, and half a picture is none.
pub fn take(cx: PanelCtx<'_>, ui: &Ui, name: &str, from: ShapeIdx, rect: Rect, ground: Color32) {
    let is_taken = is_in_view(ui.clip_rect(), rect);
    let Some(request) = cx.session.picture.as_ref().filter(|r| r.name == name && is_taken) else { return };
    let svg = (request.format == Format::Svg).then(|| {
        let mut shapes = vec![ClippedShape::new(rect, Shape::rect_filled(rect, 0.0, ground))];
        let layer = ui.layer_id();
        ui.ctx().graphics(|graphics| {
            let painted = graphics.get(layer).into_iter().flat_map(|list| list.all_entries());
            shapes.extend(painted.skip(from.0).cloned());
        });
        svg(&shapes, rect)
    });
    cx.send(Command::TakePicture(Box::new(Taken { request: request.clone(), rect, svg })));
}
