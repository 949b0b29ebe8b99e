//! The ground of what waits for an answer before anything else goes on.

use eframe::egui::{Context, Frame, Id, Modal};

/// Something over the window that is answered first.
pub fn question(ctx: &Context, name: &str) -> Modal {
    Modal::new(Id::unique(name)).frame(Frame::popup(&ctx.global_style()).inner_margin(16))
}
