//! Saving what is on screen as a picture.

use std::sync::Arc;

use eframe::egui::{Context, ScreenshotCallback, ViewportCommand};

use super::App;
use crate::gui::command::Command;
use crate::gui::picture::{Content, Format, Taken};

impl App {
    /// A picture that nobody took in the frame after it was asked for is of something that is not on screen.
    pub(super) fn miss_picture(&mut self, commands: &[Command]) {
        let is_taken = commands.iter().any(|c| matches!(c, Command::TakePicture(_)));
        if let Some(request) = self.session.picture.take_if(|_| !is_taken) {
            // Pixels are those of the window; shapes are painted for the picture wherever they lie.
            let text = match request.format {
                Format::Png => "Show all of it, then save it again; or save it as SVG, which holds all of it.",
                Format::Svg => "Show it, then save it again.",
            };
            self.complain(&format!("{} is not on screen", request.name), text.to_owned(), None);
        }
    }

    /// Hands the picture to the worker: an SVG is finished, pixels come with this frame.
    pub(super) fn take_picture(&mut self, taken: Taken, ctx: &Context) {
        self.session.picture = None;
        let save = self.worker.picture_saver(taken.request, Arc::clone(&self.picker));
        let (rect, scale) = (taken.rect, ctx.pixels_per_point());
        match taken.svg {
            Some(svg) => save(Content::Svg(svg)),
            None => {
                let callback = ScreenshotCallback::new(move |image| save(Content::Pixels(image, rect, scale)));
                ctx.send_viewport_cmd(ViewportCommand::Screenshot(callback));
            }
        }
    }
}
