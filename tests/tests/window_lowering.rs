//! Progressive quantization in the window: one click finds fewer bits that keep the agreement, an edit stops it, undo takes it back.

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use tinsmith_core::recipe::{Granularity, Scheme};
use tinsmith_tests::window::{Folder, Window, app, holds, is_complete, open, open_sized, press, scheme, settle, wait};

const LOWER: &str = "Lower the bits while it holds";

fn opened(folder: &Folder) -> Window {
    let mut window = open_sized(Some(folder.project()), [1600.0, 1400.0]);
    wait(&mut window, "the sample's figures", is_complete);
    settle(&mut window);
    window
}

#[test]
fn bits_go_down_while_the_agreement_holds_and_come_back() {
    let folder = Folder::new("window-lowering");
    let mut window = opened(&folder);
    let before = app(&window).session().edit.recipe.clone();
    window.get_by_label(LOWER).click();
    wait(&mut window, "the search to begin", |app| app.session().lowering.is_some());
    settle(&mut window);
    assert!(holds(&window, "Stop"), "it can be stopped");
    wait(&mut window, "fewer bits", |app| {
        app.session().lowering.is_none() && app.session().edit.recipe != before && is_complete(app)
    });
    settle(&mut window);
    let session = app(&window).session();
    let settings = session.edit.recipe.quantize().expect("it quantizes");
    assert_eq!(settings.scheme, Scheme::Int8, "4 bits throughout are too few");
    let own: Vec<Option<Scheme>> = settings.overrides.values().map(|own| own.scheme).collect();
    assert!(!own.is_empty() && own.iter().all(|scheme| *scheme == Some(Scheme::Int4)), "{own:?}");
    let agreement = session.accuracies().1.and_then(|figures| figures.agreement()).expect("a figure");
    assert!(agreement >= 0.99, "{agreement}");
    let told = |notice: &tinsmith::gui::notice::Notice| notice.title == "Fewer bits" && notice.text.contains("too few bits");
    assert!(session.notices.all().iter().any(told), "what was tried is told");

    press(&mut window, Modifiers::COMMAND, Key::Z);
    wait(&mut window, "the recipe as it was", |app| app.session().edit.recipe == before);
}

#[test]
fn another_edit_ends_the_search() {
    let folder = Folder::new("window-lowering-stopped");
    let mut window = opened(&folder);
    window.get_by_label(LOWER).click();
    wait(&mut window, "the search to begin", |app| app.session().lowering.is_some());
    settle(&mut window);
    window.get_all_by_label("per-tensor").next().expect("the granularity").click();
    let is_edited = |recipe: &tinsmith_core::recipe::Recipe| {
        recipe.quantize().is_some_and(|settings| settings.granularity == Granularity::PerTensor)
    };
    wait(&mut window, "the edit", |app| is_edited(&app.session().edit.recipe) && app.session().lowering.is_none());
    wait(&mut window, "its figures", is_complete);
    settle(&mut window);
    assert_eq!(scheme(app(&window)), Some(Scheme::Int8));
    assert!(app(&window).session().edit.recipe.quantize().is_some_and(|settings| settings.overrides.is_empty()));
}

/// Without samples there is nothing to tell by.
#[test]
fn without_test_samples_it_is_not_offered() {
    let folder = Folder::new("window-lowering-no-data");
    let (model, _) = folder.sample();
    let mut window = open(Some(model));
    wait(&mut window, "the model to be open", |app| app.session().open.is_some());
    settle(&mut window);
    assert!(!holds(&window, LOWER));
}
