//! Every command of the list, reached by its name in the palette, and what it does. Dialogs of the system are answered by the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{
    Color32, ColorImage, Event, Key, Modifiers, MouseWheelUnit, Theme, ThemePreference, TouchPhase, ViewportCommand, ViewportId,
    vec2,
};
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Action, Command, Group, Shown};
use tinsmith::gui::dialogs::Wanted;
use tinsmith::gui::graph_view::layout::Item;
use tinsmith::gui::notice::Kind;
use tinsmith::gui::panels::graph::short_name;
use tinsmith::gui::session::{Open, Session, first_recipe};
use tinsmith::gui::theme::Palette;
use tinsmith::gui::workspace::{Pane, Workspace};
use tinsmith_core::project::{Project, Variant, VariantFigures};
use tinsmith_core::recipe::{Granularity, Recipe};
use tinsmith_tests::window::{
    Folder, Window, act, app, drop_file, holds, is_complete, is_shown, open, picks, press, send, settle, wait,
};

#[test]
fn commands_on_files_do_what_they_say() {
    check_all(Group::File);
}

#[test]
fn commands_on_the_recipe_and_the_selection_do_what_they_say() {
    check_all(Group::Edit);
}

#[test]
fn commands_on_what_is_on_screen_do_what_they_say() {
    check_all(Group::View);
}

#[test]
fn commands_on_the_look_do_what_they_say() {
    check_all(Group::Look);
}

#[test]
fn the_help_does_what_it_says() {
    check_all(Group::Help);
    assert_eq!(Group::ALL.len(), 5, "each group has a test here");
}

fn check_all(group: Group) {
    for action in Action::ALL.into_iter().filter(|action| action.about().group == group) {
        println!("{}", action.name());
        check(action, &mut Stage::new(&format!("{action:?}")));
    }
}

/// A project in a window: the sample with its candidate and its graph laid out.
struct Stage {
    window: Window,
    folder: Folder,
}

/// Chooses one command and looks at what it did. A command that is added to the list must be added here.
fn check(action: Action, on: &mut Stage) {
    match action {
        Action::Open => on.open(),
        Action::OpenSample => on.open_sample(),
        Action::Save => on.save(),
        Action::SaveAs => on.save_as(),
        Action::ChooseData => on.choose_data(),
        Action::RemoveData => on.remove_data(),
        Action::Export => on.export(),
        Action::Close => on.close(),
        Action::Quit => on.quit(),
        Action::Undo => on.undo(),
        Action::Redo => on.redo(),
        Action::ResetRecipe => on.reset_recipe(),
        Action::SelectAll => on.select_all(),
        Action::SelectHeaviest => on.select_heaviest(),
        Action::SelectNone => on.select_none(),
        Action::Go(workspace) => on.go(workspace),
        Action::SwitchGraph => on.switch_graph(),
        Action::BothGraphs => on.both_graphs(),
        Action::Fit => on.fit(),
        Action::SearchGraph => on.search_graph(),
        Action::ToggleBlocks => on.toggle_blocks(),
        Action::SaveGraphSvg => on.save_graph_svg(),
        Action::SaveGraphPng => on.save_graph_png(),
        Action::Search => on.search(),
        Action::PreviousCandidate => on.previous_candidate(),
        Action::NextCandidate => on.next_candidate(),
        Action::Activity => on.activity(),
        Action::ResetLayout => on.reset_layout(),
        Action::NextTheme => on.next_theme(),
        Action::HighContrast => on.high_contrast(),
        Action::ReducedMotion => on.reduced_motion(),
        Action::Larger => on.larger(),
        Action::Smaller => on.smaller(),
        Action::NormalSize => on.normal_size(),
        Action::FullScreen => on.full_screen(),
        Action::Help => on.help(),
    }
}

// --------------------------------------------------------------------------------------------------------------- files

impl Stage {
    fn open(&mut self) {
        let model = self.path("keyword_float32.tflite");
        let asked = picks(&mut self.window, Some(model.clone()));
        self.choose(Action::Open);
        wait(&mut self.window, "the model", |app| opened(app.session()).project.is_none());
        assert_eq!(asked.all(), [Wanted::OpenFile]);
        assert_eq!(opened(self.session()).source.path, model);
        assert!(is_shown(&self.window, "keyword_float32.tflite"), "the bar says what is open");
    }

    fn open_sample(&mut self) {
        let copy = self.path("keyword.ron");
        self.choose(Action::OpenSample);
        wait(&mut self.window, "the sample", |app| opened(app.session()).project.as_ref() != Some(&copy));
        let sample = opened(self.session()).project.clone().unwrap();
        assert!(sample.ends_with("projects/keyword.ron") && opened(self.session()).data.is_some());
    }

    fn save(&mut self) {
        let asked = picks(&mut self.window, None);
        act(&mut self.window, Action::RemoveData);
        settle(&mut self.window);
        assert!(is_shown(&self.window, "unsaved"));
        self.choose(Action::Save);
        wait(&mut self.window, "the project to be saved", |app| !app.session().is_unsaved());
        assert!(asked.all().is_empty(), "a project with a file is asked for none");
        assert_eq!(Project::read(&self.path("keyword.ron")).unwrap().data, None);
        assert!(!is_shown(&self.window, "unsaved"));
    }

    fn save_as(&mut self) {
        let other = self.path("other.ron");
        let asked = picks(&mut self.window, Some(other.clone()));
        self.choose(Action::SaveAs);
        wait(&mut self.window, "the other file", |app| opened(app.session()).project.as_ref() == Some(&other));
        assert_eq!(asked.all(), [Wanted::SaveProject(self.path("keyword.ron"))], "the present name is suggested");
        assert!(Project::read(&other).unwrap().data.is_some() && is_shown(&self.window, "other.ron"));
    }

    fn choose_data(&mut self) {
        let data = self.path("keyword.npz");
        act(&mut self.window, Action::RemoveData);
        let asked = picks(&mut self.window, Some(data.clone()));
        self.choose(Action::ChooseData);
        wait(&mut self.window, "the data", |app| opened(app.session()).data.as_ref().is_some_and(|d| d.path == data));
        assert_eq!(asked.all(), [Wanted::OpenData]);
        assert!(holds(&self.window, "100 cal / 900 test"));
    }

    fn remove_data(&mut self) {
        assert!(!holds(&self.window, "No data"));
        self.choose(Action::RemoveData);
        assert!(opened(self.session()).data.is_none() && holds(&self.window, "No data"));
    }

    fn export(&mut self) {
        let firmware = self.path("firmware");
        let asked = picks(&mut self.window, Some(firmware.clone()));
        self.choose(Action::Export);
        assert!(asked.all().is_empty() && self.session().workspace == Workspace::Export, "first what will be written is shown");
        self.choose(Action::Export);
        wait(&mut self.window, "the export", |app| app.session().on_demand.exported.is_some());
        assert_eq!(asked.all(), [Wanted::ExportFolder]);
        assert!(firmware.join("keyword.tflite").is_file() && is_shown(&self.window, "File keyword.tflite"));
    }

    fn close(&mut self) {
        self.choose(Action::Close);
        assert!(self.session().open.is_none() && is_shown(&self.window, "Drop a model here"));
    }

    fn quit(&mut self) {
        assert!(self.choose(Action::Quit).contains(&ViewportCommand::Close));
    }
}

// ------------------------------------------------------------------------------------------------ recipe and selection

impl Stage {
    fn undo(&mut self) {
        self.make_per_tensor();
        self.choose(Action::Undo);
        assert_eq!(self.granularity(), Granularity::PerChannel);
        assert!(is_shown(&self.window, "int8 per-channel"));
    }

    fn redo(&mut self) {
        self.make_per_tensor();
        act(&mut self.window, Action::Undo);
        settle(&mut self.window);
        assert_eq!(self.granularity(), Granularity::PerChannel);
        self.choose(Action::Redo);
        assert_eq!(self.granularity(), Granularity::PerTensor);
        assert!(is_shown(&self.window, "int8 per-tensor"));
    }

    fn reset_recipe(&mut self) {
        self.make_per_tensor();
        self.choose(Action::ResetRecipe);
        assert_eq!(self.session().edit.recipe, first_recipe(&opened(self.session()).source.graph));
    }

    fn select_all(&mut self) {
        self.choose(Action::SelectAll);
        let session = self.session();
        assert_eq!(session.all_selected().count(), session.graph().unwrap().nodes.len());
    }

    fn select_heaviest(&mut self) {
        send(&mut self.window, Command::Select(None));
        self.choose(Action::SelectHeaviest);
        let session = self.session();
        let graph = session.graph().unwrap();
        let weights = |node: &tinsmith_core::graph::Node| graph.input(node, 1).map_or(0, |tensor| tensor.n_elements());
        let most = graph.nodes.iter().filter(|node| node.op.has_weights()).map(weights).max();
        assert_eq!(session.selected_node().map(|id| weights(graph.node(id))), most);
        assert_eq!(session.all_selected().count(), 1);
    }

    fn select_none(&mut self) {
        assert!(self.session().selection.is_some());
        self.choose(Action::SelectNone);
        assert_eq!(self.session().all_selected().count(), 0);
    }

    /// One edit, and the history at rest.
    fn make_per_tensor(&mut self) {
        self.window.query_all_by_label("per-tensor").next().unwrap().click();
        settle(&mut self.window);
        assert_eq!(self.granularity(), Granularity::PerTensor);
    }

    fn granularity(&self) -> Granularity {
        self.session().edit.recipe.quantize().unwrap().granularity
    }
}

// ---------------------------------------------------------------------------------------------------------------- view

impl Stage {
    fn go(&mut self, workspace: Workspace) {
        let other = if workspace == Workspace::Model { Workspace::Data } else { Workspace::Model };
        act(&mut self.window, Action::Go(other));
        self.choose(Action::Go(workspace));
        let tab = format!("Workspace {}", workspace.name());
        let tab = self.window.get_by_role_and_label(Role::Tab, &tab);
        assert_eq!(tab.accesskit_node().toggled(), Some(Toggled::True));
        assert_eq!(self.session().workspace, workspace);
    }

    fn switch_graph(&mut self) {
        assert_eq!(self.session().shown_now(), Shown::Candidate);
        self.choose(Action::SwitchGraph);
        assert_eq!(self.session().shown_now(), Shown::Source);
    }

    fn both_graphs(&mut self) {
        self.choose(Action::BothGraphs);
        assert!(self.session().shows_both_now() && is_shown(&self.window, "both"));
    }

    fn fit(&mut self) {
        let canvas = |window: &Window| window.get_by_label_contains("Graph, ").rect();
        let first = format!("{}, ", short_name(&self.session().graph().unwrap().nodes[0].name));
        let place = |window: &Window| window.query_all_by_label_contains(&first).next().map(|of| of.rect());
        act(&mut self.window, Action::Fit);
        settle(&mut self.window);
        let whole = place(&self.window);
        assert!(whole.is_some_and(|of| canvas(&self.window).contains_rect(of)));
        self.window.hover_at(canvas(&self.window).center());
        self.window.event(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, 60.0),
            phase: TouchPhase::Move,
            modifiers: Modifiers::NONE,
            source: eframe::egui::MouseWheelSource::Wheel,
        });
        settle(&mut self.window);
        assert_ne!(place(&self.window), whole, "the wheel moves the graph");
        self.choose(Action::Fit);
        assert_eq!(place(&self.window), whole);
    }

    fn search_graph(&mut self) {
        self.choose(Action::SearchGraph);
        assert!(is_shown(&self.window, "Find in graph"));
    }

    fn toggle_blocks(&mut self) {
        let has_blocks = |app: &tinsmith::gui::App| {
            app.session().layout.as_ref().is_some_and(|l| l.placed.iter().any(|p| matches!(p.item, Item::Block(_))))
        };
        assert!(!has_blocks(app(&self.window)) && is_shown(&self.window, "Collapse blocks"));
        self.choose(Action::ToggleBlocks);
        wait(&mut self.window, "the blocks to collapse", has_blocks);
        settle(&mut self.window);
        assert!(is_shown(&self.window, "Expand blocks"));
    }

    fn save_graph_svg(&mut self) {
        let picture = self.path("net.svg");
        let asked = picks(&mut self.window, Some(picture.clone()));
        self.choose(Action::SaveGraphSvg);
        self.wait_for_picture(&picture);
        assert_eq!(asked.all(), [Wanted::SavePicture("graph.svg".to_owned())]);
        let svg = std::fs::read_to_string(&picture).unwrap();
        for node in &self.session().graph().unwrap().nodes {
            let name = short_name(&node.name);
            assert!(svg.contains(&format!(">{name}</text>")), "{name} is in the picture");
        }
    }

    /// The tests have no renderer: what eframe would do with the wish for a screenshot is done here, with a pattern for the window.
    fn save_graph_png(&mut self) {
        let picture = self.path("net.png");
        let asked = picks(&mut self.window, Some(picture.clone()));
        let commands = self.choose(Action::SaveGraphPng);
        let mut wishes = commands.into_iter().filter_map(|command| match command {
            ViewportCommand::Screenshot(callback) => Some(callback),
            _ => None,
        });
        wishes.next().expect("a screenshot is asked for").complete(Arc::new(pattern()));
        assert!(wishes.next().is_none(), "once");
        self.wait_for_picture(&picture);
        assert_eq!(asked.all(), [Wanted::SavePicture("graph.png".to_owned())]);
        // The canvas, here with the strip of its legend, and nothing else of the window.
        let canvas = self.window.get_by_label_contains("Graph, ").rect();
        let (width, height, rgb) = pixels(&picture);
        let strip = height.checked_sub(canvas.height().round() as usize);
        assert!(width == canvas.width().round() as usize && strip.is_some_and(|n| n < 60), "{width}x{height}");
        let (left, top) = (canvas.left().round() as usize, canvas.top().round() as usize);
        for (x, y) in [(0, 0), (width - 1, 0), (width / 2, height / 2), (width - 1, height - 1)] {
            let at = 3 * (y * width + x);
            assert_eq!(rgb[at..at + 3], colour_at(left + x, top + y).to_array()[..3], "pixel {x}, {y}");
        }
    }

    /// The palette cannot be opened from the palette; what looks like a field in the top bar opens it.
    fn search(&mut self) {
        assert!(self.window.query_by_role_and_label(Role::TextInput, Action::Search.name()).is_none());
        self.window.get_by_label(Action::Search.name()).click();
        settle(&mut self.window);
        self.window.get_by_role_and_label(Role::TextInput, Action::Search.name()).type_text("no such thing");
        settle(&mut self.window);
        assert!(is_shown(&self.window, "Nothing of that name."));
    }

    fn previous_candidate(&mut self) {
        let (kept, _) = self.three_candidates();
        self.choose(Action::PreviousCandidate);
        assert_eq!(self.session().edit.recipe, kept);
    }

    fn next_candidate(&mut self) {
        let (_, unkept) = self.three_candidates();
        // Past the last comes the first: the source, whose steps are all switched off.
        self.choose(Action::NextCandidate);
        assert!(self.session().edit.recipe.steps.iter().all(|entry| !entry.enabled));
        self.choose(Action::PreviousCandidate);
        assert_eq!(self.session().edit.recipe, unkept);
    }

    /// The source, one that is kept, and the one on screen, which is not. Gives the recipes of the last two.
    fn three_candidates(&mut self) -> (Recipe, Recipe) {
        let mut edit = self.session().edit.clone();
        let unkept = edit.recipe.clone();
        let mut kept = unkept.clone();
        kept.quantize_mut().unwrap().granularity = Granularity::PerTensor;
        edit.variants.push(Variant { name: "kept".into(), recipe: kept.clone(), figures: VariantFigures::default() });
        let ctx = self.window.ctx.clone();
        self.window.state_mut().as_mut().unwrap().take_edit(edit, &ctx);
        settle(&mut self.window);
        (kept, unkept)
    }

    fn activity(&mut self) {
        let words = "What is saved, exported, cancelled or fails is listed here.";
        assert!(!is_shown(&self.window, words));
        self.choose(Action::Activity);
        assert!(is_shown(&self.window, words));
    }

    fn reset_layout(&mut self) {
        send(&mut self.window, Command::TogglePane(Pane::Recipe));
        settle(&mut self.window);
        assert!(!is_shown(&self.window, "Recipe panel"));
        self.choose(Action::ResetLayout);
        assert!(is_shown(&self.window, "Recipe panel") && app(&self.window).kept().layouts.is_empty());
    }

    fn wait_for_picture(&mut self, path: &Path) {
        let words = format!("saved {}", path.display());
        wait(&mut self.window, "the picture", |app| app.session().notices.all().iter().any(|n| n.title == words));
    }
}

// ------------------------------------------------------------------------------------------------------- look and help

impl Stage {
    fn next_theme(&mut self) {
        assert_eq!(self.session().settings.theme, ThemePreference::System);
        self.choose(Action::NextTheme);
        assert_eq!(self.window.ctx.theme(), Theme::Light);
        self.choose(Action::NextTheme);
        assert_eq!(self.window.ctx.theme(), Theme::Dark);
    }

    fn high_contrast(&mut self) {
        self.choose(Action::HighContrast);
        assert_eq!(self.window.ctx.style_of(Theme::Dark).visuals.panel_fill, Palette::named(Theme::Dark, true).panel);
    }

    fn reduced_motion(&mut self) {
        assert!(self.window.ctx.style_of(Theme::Light).animation_time > 0.0);
        self.choose(Action::ReducedMotion);
        assert_eq!(self.window.ctx.style_of(Theme::Light).animation_time, 0.0);
    }

    fn larger(&mut self) {
        self.choose(Action::Larger);
        assert_eq!(self.window.ctx.zoom_factor(), 1.25);
    }

    fn smaller(&mut self) {
        self.choose(Action::Smaller);
        assert_eq!(self.window.ctx.zoom_factor(), 0.75);
    }

    fn normal_size(&mut self) {
        act(&mut self.window, Action::Larger);
        self.choose(Action::NormalSize);
        assert_eq!(self.window.ctx.zoom_factor(), 1.0);
    }

    fn full_screen(&mut self) {
        assert!(self.choose(Action::FullScreen).contains(&ViewportCommand::Fullscreen(true)));
        // And back, once the system says that it is.
        let root = self.window.input_mut().viewports.entry(ViewportId::ROOT).or_default();
        root.fullscreen = Some(true);
        assert!(self.choose(Action::FullScreen).contains(&ViewportCommand::Fullscreen(false)));
    }

    fn help(&mut self) {
        assert!(!is_shown(&self.window, "Hold B"));
        self.choose(Action::Help);
        assert!(is_shown(&self.window, "Hold B"));
    }
}

// ------------------------------------------------------------------------------------------------------------- dialogs

#[test]
fn a_dialog_that_is_closed_without_a_choice_changes_nothing() {
    let mut on = Stage::new("cancelled");
    act(&mut on.window, Action::Go(Workspace::Export));
    settle(&mut on.window);
    let before = on.everything();
    let dialogs = [Action::Open, Action::ChooseData, Action::SaveAs, Action::Export, Action::SaveGraphSvg, Action::SaveGraphPng];
    for action in dialogs {
        if action == Action::SaveGraphSvg {
            act(&mut on.window, Action::Go(Workspace::Optimize));
            settle(&mut on.window);
        }
        let asked = picks(&mut on.window, None);
        for command in on.choose(action) {
            if let ViewportCommand::Screenshot(callback) = command {
                callback.complete(Arc::new(pattern()));
            }
        }
        wait(&mut on.window, action.name(), |_| !asked.all().is_empty());
        settle(&mut on.window);
        assert_eq!(asked.all().len(), 1, "{}", action.name());
        assert_eq!(on.everything(), before, "{}", action.name());
    }
}

#[test]
fn a_model_is_saved_as_a_project_where_the_user_says() {
    let (folder, mut window) = model_alone("commands-model");
    let project = folder.0.join("mine.ron");
    let asked = picks(&mut window, Some(project.clone()));
    choose(&mut window, Action::Save);
    wait(&mut window, "the project", |app| opened(app.session()).project.is_some());
    assert_eq!(asked.all(), [Wanted::SaveProject(folder.0.join("keyword_float32.ron"))], "its own name is suggested");
    assert!(Project::read(&project).is_ok() && is_shown(&window, "mine.ron"));
    // From then on it has a file and is asked for none.
    act(&mut window, Action::ResetRecipe);
    choose(&mut window, Action::Save);
    wait(&mut window, "it to be saved again", |app| !app.session().is_unsaved());
    assert_eq!(asked.all().len(), 1);
}

#[test]
fn who_does_not_say_where_to_save_does_not_leave() {
    let (folder, mut window) = model_alone("commands-stay");
    drop_file(&mut window, &folder.0.join("keyword.npz"));
    wait(&mut window, "unsaved data", |app| app.session().is_unsaved());
    let asked = picks(&mut window, None);
    choose(&mut window, Action::Close);
    window.query_all_by_label("Save").last().unwrap().click();
    wait(&mut window, "the dialog", |_| !asked.all().is_empty());
    settle(&mut window);
    assert!(app(&window).session().open.is_some() && app(&window).session().is_unsaved());
    // Saved later, for its own sake, it stays open.
    picks(&mut window, Some(folder.0.join("later.ron")));
    choose(&mut window, Action::SaveAs);
    wait(&mut window, "the project", |app| !app.session().is_unsaved());
    settle(&mut window);
    assert!(is_shown(&window, "later.ron"));
}

#[test]
fn an_export_that_fails_asks_for_another_folder() {
    let mut on = Stage::new("export");
    // A file stands where the folder should be.
    let taken = on.path("taken");
    std::fs::write(&taken, b"").unwrap();
    picks(&mut on.window, Some(taken));
    act(&mut on.window, Action::Go(Workspace::Export));
    on.choose(Action::Export);
    wait(&mut on.window, "the failure", |app| app.session().notices.shown().any(|n| n.kind == Kind::Error));
    settle(&mut on.window);
    assert!(is_shown(&on.window, "Nothing was exported"));
    let free = on.path("free");
    let asked = picks(&mut on.window, Some(free.clone()));
    on.window.get_by_label("Choose another folder").click();
    wait(&mut on.window, "the export", |app| app.session().on_demand.exported.is_some());
    assert_eq!(asked.all(), [Wanted::ExportFolder]);
    assert!(free.join("keyword.tflite").is_file());
}

#[test]
fn a_plot_is_saved_where_the_user_says() {
    let mut on = Stage::new("plot");
    // Tall enough for the whole inspector.
    on.window.set_size(vec2(1280.0, 1400.0));
    wait(&mut on.window, "the histograms", |app| app.session().distributions.as_ref().is_some_and(|d| d.candidate.is_some()));
    settle(&mut on.window);
    let picture = on.path("plot.svg");
    let asked = picks(&mut on.window, Some(picture.clone()));
    on.window.get_by_label("Weights plot actions").click();
    settle(&mut on.window);
    on.window.get_by_label("Save as SVG").click();
    on.wait_for_picture(&picture);
    assert_eq!(asked.all(), [Wanted::SavePicture("weights-plot.svg".to_owned())]);
    assert!(std::fs::read_to_string(&picture).unwrap().contains(">weight, real value</text>"));
}

// ------------------------------------------------------------------------------------------------------------- helpers

impl Stage {
    fn new(name: &str) -> Self {
        let folder = Folder::new(&format!("commands-{name}"));
        let mut window = open(Some(folder.project()));
        wait(&mut window, "all figures", is_complete);
        wait(&mut window, "the graph", |app| app.session().layout_of == app.session().graph_ref());
        settle(&mut window);
        Self { window, folder }
    }

    fn session(&self) -> &Session {
        app(&self.window).session()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    fn choose(&mut self, action: Action) -> Vec<ViewportCommand> {
        choose(&mut self.window, action)
    }

    /// What no dialog may change by itself: what is open and how it is edited, what was told, and every file.
    fn everything(&self) -> String {
        let session = self.session();
        let open = opened(session);
        let data = open.data.as_ref().map(|data| &data.path);
        let notices = session.notices.all().len();
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        format!("{:?} {:?} {data:?} {notices} {files:?} {:?}", open.source.path, open.project, session.edit)
    }
}

/// Takes a command from the palette by its name. Gives what the window asked of the system in the frames after it.
fn choose(window: &mut Window, action: Action) -> Vec<ViewportCommand> {
    press(window, Modifiers::COMMAND, Key::K);
    settle(window);
    window.get_by_role_and_label(Role::TextInput, Action::Search.name()).type_text(action.name());
    settle(window);
    // Pressed and let go within one frame: what the window asks for is only known until the next.
    let key = |pressed| Event::Key { key: Key::Enter, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
    window.input_mut().events.extend([true, false].map(key));
    let mut commands = Vec::new();
    for _ in 0..12 {
        window.step();
        commands.extend(window.output().viewport_output[&ViewportId::ROOT].commands.iter().cloned());
    }
    commands
}

/// The sample's model without data, and nothing under way.
fn model_alone(name: &str) -> (Folder, Window) {
    let folder = Folder::new(name);
    let (model, _) = folder.sample();
    let mut window = open(Some(model));
    wait(&mut window, "the model", |app| app.session().figures.failure.is_some());
    settle(&mut window);
    (folder, window)
}

fn opened(session: &Session) -> &Open {
    session.open.as_ref().expect("something is open")
}

/// A picture of the window in which every place has a colour of its own.
fn pattern() -> ColorImage {
    let (width, height) = (1280, 800);
    let pixels = (0..width * height).map(|i| colour_at(i % width, i / width)).collect();
    ColorImage::new([width, height], pixels)
}

fn colour_at(x: usize, y: usize) -> Color32 {
    Color32::from_rgb((x % 256) as u8, (y % 256) as u8, (16 * (x / 256) + y / 256) as u8)
}

/// Width, height and RGB of a PNG file.
fn pixels(path: &Path) -> (usize, usize, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    (info.width as usize, info.height as usize, rgb)
}

// ----------------------------------------------------------------------------------------- where the system has no dialogs

fn type_paths(window: &mut Window) {
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().expect("the window is open").pick_by_typing(&ctx);
}

/// Puts a path into the field in the place of what stands there.
fn type_path(window: &mut Window, path: &Path) {
    let field = |window: &Window| window.query_all_by_label("Path").any(|node| node.accesskit_node().role() == Role::TextInput);
    let patience = std::time::Instant::now();
    while !field(window) {
        assert!(patience.elapsed().as_secs() < 60, "nobody asks for a path");
        window.step();
    }
    window.step();
    window.event(Event::Key { key: Key::A, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::COMMAND });
    window.event(Event::Text(path.display().to_string()));
    window.step();
}

#[test]
fn without_dialogs_of_the_system_paths_are_typed() {
    let folder = Folder::new("typed-paths");
    let (model, _) = folder.sample();
    let mut window = open(None);
    type_paths(&mut window);
    act(&mut window, Action::Open);
    type_path(&mut window, &folder.0.join("absent.tflite"));
    assert!(is_shown(&window, "There is no such file."));
    press(&mut window, Modifiers::NONE, Key::Enter);
    assert!(app(&window).session().open.is_none() && app(&window).session().opening.is_none());
    type_path(&mut window, &model);
    press(&mut window, Modifiers::NONE, Key::Enter);
    wait(&mut window, "the model", |app| app.session().open.is_some());
    assert!(!is_shown(&window, "Path"), "the question is answered");

    act(&mut window, Action::ChooseData);
    type_path(&mut window, &folder.0.join("keyword.npz"));
    window.get_by_label("Take it").click();
    wait(&mut window, "the figures", is_complete);

    act(&mut window, Action::SaveAs);
    type_path(&mut window, &folder.0.join("never.ron"));
    press(&mut window, Modifiers::NONE, Key::Escape);
    settle(&mut window);
    assert!(!folder.0.join("never.ron").exists(), "Escape saves nothing");

    send(&mut window, Command::ChooseExportFolder);
    let firmware = folder.0.join("firmware");
    type_path(&mut window, &firmware);
    window.get_by_label("Take it").click();
    wait(&mut window, "the export", |app| app.session().on_demand.exported.is_some());
    assert!(firmware.read_dir().unwrap().count() >= 5);
}
