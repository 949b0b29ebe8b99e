//! Progressive quantization: started by the card, told by the worker, ended by any other edit.

use eframe::egui::Context;
use tinsmith_core::preview::progressive::Goal;

use super::App;
use crate::gui::lowering::Lowering;
use crate::gui::notice::Kind;
use crate::worker::Lowered;

impl App {
    /// Starts with the recipe on screen.
    pub(super) fn lower(&mut self, goal: Goal) {
        self.stop_lowering();
        let (Some(device), Some(open)) = (self.session.device(), &self.session.open) else { return };
        let job = open.job(&self.session.edit, device);
        let cancel = self.worker.lower(self.revision, job, goal);
        self.session.lowering = Some(Lowering::new(goal, cancel));
    }

    /// The recipe stays as it is.
    pub(super) fn stop_lowering(&mut self) {
        if let Some(lowering) = self.session.lowering.take() {
            lowering.cancel.cancel();
        }
    }

    pub(super) fn take_lowered(&mut self, lowered: Lowered, ctx: &Context) {
        let Some(lowering) = &mut self.session.lowering else { return };
        let found = match lowered {
            Lowered::Tried(attempt) => return lowering.attempts.push(attempt),
            Lowered::Done(found) => found,
        };
        let (story, wanted) = (lowering.story(), lowering.goal.share() * 100.0);
        let reached = lowering.attempts.last().map_or(0.0, |attempt| attempt.reached * 100.0);
        self.session.lowering = None;
        match found {
            Ok(Some(recipe)) => {
                let mut edit = self.session.edit.clone();
                edit.recipe = recipe;
                self.take_edit(edit, ctx);
                self.session.notices.add(Kind::Done, "Fewer bits", story, None);
            }
            Ok(None) => {
                let text =
                    format!("The widest scheme reaches {reached:.1} % of the {wanted:.1} % that are to be kept: ask for less.");
                self.complain("The bits stay as they are", text, None);
            }
            Err(why) => self.complain("The bits stay as they are", why, None),
        }
    }
}
