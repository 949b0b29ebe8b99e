//! The panels of the workspaces Model, Export, Compare and Data, each shown alone above the window, found by the words on them.
//!
//! Every figure is compared with what the core gives, never with a number written here.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{Area, Id, Modifiers, OutputCommand, Ui, UiBuilder, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use tinsmith::gui::command::{Action, Command, Commands};
use tinsmith::gui::context::PanelCtx;
use tinsmith::gui::panels::{
    candidates, confusion, data_set, files, fits, recipe_diff, sample, source, targets, tradeoff, treemap, what_next,
    where_it_sits,
};
use tinsmith::gui::session::{Edit, Session};
use tinsmith::gui::{App, theme, units};
use tinsmith_core::data::{DataSet, feed};
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::graph::{Graph, Node};
use tinsmith_core::measure::accuracy::class_of;
use tinsmith_core::measure::{AccuracyFigures, StaticFigures};
use tinsmith_core::ops::{Activation, FullyConnected, Op};
use tinsmith_core::preview::{Engine, Event, Job, Side, exported, only_input};
use tinsmith_core::progress::Cancel;
use tinsmith_core::project::Project;
use tinsmith_core::recipe::{Granularity, Recipe};
use tinsmith_core::tensor::{Data, ElementType, Tensor};
use tinsmith_tests::window::{Folder, Window, act, is_shown, send, settle};

#[test]
fn the_source_says_what_it_is_and_selects_by_kind() {
    let folder = Folder::new("spaces-source");
    let mut window = open(&folder, |cx, _, ui| source::ui(cx, ui));
    wait(&mut window, "the facts", |s| s.on_demand.facts.value.is_some());
    let statics = session(&window).figures.baseline_static.value.clone().unwrap();
    let graph = Arc::clone(&session(&window).open.as_ref().unwrap().source.graph);
    assert!(is_shown(&window, &format!("Parameters {}", units::exact(statics.parameters))));
    assert!(is_shown(&window, &format!("MACs {}", units::exact(statics.macs))));
    assert!(is_shown(&window, &format!("Ops {}", graph.nodes.len())));

    let facts = session(&window).on_demand.facts.value.clone().unwrap();
    let sum = |of: fn(&tinsmith::worker::Kind) -> u64| facts.kinds.iter().map(of).sum::<u64>();
    assert_eq!(sum(|k| k.macs), statics.macs);
    assert_eq!(sum(|k| k.nodes.len() as u64), graph.nodes.len() as u64);
    let kind = facts.kinds.iter().find(|k| k.nodes.len() > 1).expect("the sample has layers of one kind");
    window.get_by_label(&format!("Kind {}", kind.name)).click();
    settle(&mut window);
    assert!(kind.nodes.iter().all(|name| session(&window).is_selected(name)));
    assert_eq!(session(&window).all_selected().count(), kind.nodes.len());
}

#[test]
fn where_it_sits_sorts_selects_and_goes_to_a_spreadsheet() {
    let folder = Folder::new("spaces-where");
    let mut panel = where_it_sits::WhereItSitsPanel::default();
    let mut window = open(&folder, move |cx, _, ui| panel.ui(cx, ui));
    wait(&mut window, "all figures", |s| s.figures.is_complete);
    let statics = session(&window).figures.candidate_static.value.clone().unwrap();
    let [first, second] = [&statics.layers[0].name, &statics.layers[1].name];
    click(&mut window, &format!("Bytes and time of {first}"));
    assert_eq!(session(&window).all_selected().collect::<Vec<_>>(), [first]);
    window.get_by_label(&format!("Bytes and time of {second}")).click_modifiers(Modifiers::COMMAND);
    settle(&mut window);
    assert!(session(&window).is_selected(first) && session(&window).is_selected(second));

    // The largest first, then the smallest; with the very figures of the core.
    let macs: Vec<u64> = statics.layers.iter().map(|l| l.macs).collect();
    for (wanted, order) in [(macs.iter().max(), "descending"), (macs.iter().min(), "ascending")] {
        click(&mut window, "Sort by MACs");
        let text = copied(&mut window, "Copy where it sits");
        let row = text.lines().nth(1).expect("a line for each layer").split('\t').collect::<Vec<_>>();
        assert_eq!(row[3].parse::<u64>().ok().as_ref(), wanted, "{order}");
        assert_eq!(text.lines().count(), statics.layers.len() + 1);
    }
    // Nothing moves any more, so nothing is painted any more: `run` fails if frames go on for ever.
    window.run();
}

#[test]
fn of_five_thousand_layers_only_those_in_view_are_laid_out() {
    const N: usize = 5_000;
    let folder = Folder::new("spaces-many");
    let model = folder.0.join("many.tflite");
    std::fs::write(&model, exported(&dense_chain(N)).unwrap()).unwrap();
    let (mut rows, mut areas) = (where_it_sits::WhereItSitsPanel::default(), treemap::TreemapPanel::default());
    let spent = Rc::new(RefCell::new([Duration::ZERO; 2]));
    let of_panels = Rc::clone(&spent);
    let show = move |cx: PanelCtx<'_>, _: &mut Edit, ui: &mut Ui| {
        let (left, right) = ui.max_rect().split_left_right_at_fraction(0.6);
        let start = Instant::now();
        ui.scope_builder(UiBuilder::new().max_rect(left), |ui| rows.ui(cx, ui));
        let between = Instant::now();
        ui.scope_builder(UiBuilder::new().max_rect(right), |ui| areas.ui(cx, ui));
        *of_panels.borrow_mut() = [between - start, between.elapsed()];
    };
    let mut window = window(model, show);
    wait(&mut window, "the figures", |s| s.figures.baseline_static.value.as_ref().is_some_and(|f| f.layers.len() == N));
    settle(&mut window);
    let n_rows = window.query_all_by_label_contains("Bytes and time of").count();
    assert!((10..100).contains(&n_rows), "{n_rows} rows are laid out");
    let n_areas = window.query_all_by_label_contains("Area ").count();
    assert!((10..200).contains(&n_areas), "{n_areas} areas are told apart");
    click(&mut window, "Sort by MACs");
    let [rows, areas] = *spent.borrow();
    println!("a frame with {N} layers: table {rows:?}, treemap {areas:?}");
}

#[test]
fn a_trade_off_without_test_samples_says_what_it_takes() {
    let folder = Folder::new("spaces-trade-off");
    let (model, _) = folder.sample();
    let mut panel = tradeoff::TradeoffPanel::default();
    let mut window = window(model, move |cx, edit, ui| panel.ui(cx, edit, ui));
    wait(&mut window, "the source", |s| s.figures.baseline_static.value.is_some());
    assert!(is_shown(&window, "No test samples") && !is_shown(&window, "Nothing to compare yet"));
}

#[test]
fn areas_of_the_treemap_add_up_to_the_file_and_select() {
    let folder = Folder::new("spaces-treemap");
    let mut panel = treemap::TreemapPanel::default();
    let mut window = open(&folder, move |cx, _, ui| panel.ui(cx, ui));
    wait(&mut window, "all figures", |s| s.figures.is_complete);
    let statics = session(&window).figures.candidate_static.value.clone().unwrap();
    assert!(is_shown(&window, &format!("area, {}", units::bytes(statics.size.file_bytes).joined())));
    let heaviest = statics.layers.iter().max_by_key(|l| l.weights_bytes + l.bias_bytes).unwrap();
    let bytes = units::bytes(heaviest.weights_bytes + heaviest.bias_bytes).joined();
    let label = format!("Area {}: {bytes}", heaviest.name);
    window.query_all_by_label_contains(&label).next().expect("the heaviest layer has an area").click();
    settle(&mut window);
    assert_eq!(session(&window).selection.as_ref(), Some(&heaviest.name));
}

#[test]
fn the_dry_run_is_what_the_export_writes() {
    let folder = Folder::new("spaces-export");
    let mut files = files::FilesPanel::default();
    let show = move |cx: PanelCtx<'_>, _: &mut Edit, ui: &mut Ui| {
        let (left, right) = ui.max_rect().split_left_right_at_fraction(0.4);
        let mut at = |rect, show: &mut dyn FnMut(&mut Ui)| {
            ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| show(ui));
        };
        at(left, &mut |ui| targets::ui(cx, ui));
        at(right, &mut |ui| files.ui(cx, ui));
    };
    let mut window = open(&folder, show);
    wait(&mut window, "the dry run", |s| s.on_demand.dry_run.value.is_some() && !s.on_demand.dry_run.is_stale);
    let n = session(&window).candidate().unwrap().graph.nodes.len();
    assert!(is_shown(&window, &format!("{n} of {n} ops have an int8 kernel in TFLM")));
    let dry_run = session(&window).on_demand.dry_run.value.clone().unwrap();
    let out = folder.0.join("all");
    click(&mut window, "Write .tin");
    send(&mut window, Command::ExportTo(out.clone()));
    wait(&mut window, "the export", |s| s.on_demand.exported.is_some());
    // Projects for boards, in folders of their own, are not chosen.
    let chosen = || dry_run.files().filter(|file| !file.name.contains('/'));
    for file in chosen() {
        assert_eq!(std::fs::read(out.join(&file.name)).unwrap(), file.bytes, "{}", file.name);
        assert!(is_shown(&window, &format!("File {}", file.name)));
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), chosen().count());

    // What is switched off is not written.
    click(&mut window, "Write C sources for TFLM");
    click(&mut window, "Write .tin");
    let only = folder.0.join("only");
    send(&mut window, Command::ExportTo(only.clone()));
    wait(&mut window, "the second export", |s| s.on_demand.exported.as_ref().is_some_and(|(to, _)| *to == only));
    let written: Vec<String> = std::fs::read_dir(&only).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(written, ["keyword_float32.tflite"]);
}

#[test]
fn the_board_and_the_next_lines_are_those_of_the_candidate() {
    let folder = Folder::new("spaces-fits");
    let show = |cx: PanelCtx<'_>, _: &mut Edit, ui: &mut Ui| {
        let (upper, lower) = ui.max_rect().split_top_bottom_at_fraction(0.6);
        ui.scope_builder(UiBuilder::new().max_rect(upper), |ui| fits::ui(cx, &mut tinsmith::gui::plots::View::default(), ui));
        ui.scope_builder(UiBuilder::new().max_rect(lower), |ui| what_next::ui(cx, ui));
    };
    let mut window = open(&folder, show);
    wait(&mut window, "the dry run", |s| s.on_demand.dry_run.value.is_some() && s.figures.is_complete);
    let statics = session(&window).figures.candidate_static.value.clone().unwrap();
    let weights = format!("Flash weights: {} bytes", units::exact(statics.size.weights_bytes));
    let activations = format!("RAM activations: {} bytes", units::exact(statics.arena.activations_bytes));
    assert!(is_shown(&window, &weights) && is_shown(&window, &activations));
    assert!(is_shown(&window, "Copy: tinsmith inspect keyword_float32.tflite"));
}

#[test]
fn candidates_are_kept_measured_stepped_through_saved_and_undone() {
    let folder = Folder::new("spaces-compare");
    let (mut panel, mut diff) = (candidates::CandidatesPanel::default(), recipe_diff::RecipeDiffPanel::default());
    let mut plot = tradeoff::TradeoffPanel::default();
    let show = move |cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui| {
        let (upper, lower) = ui.max_rect().split_top_bottom_at_fraction(0.5);
        let (left, right) = lower.split_left_right_at_fraction(0.5);
        ui.scope_builder(UiBuilder::new().max_rect(upper), |ui| panel.ui(cx, edit, ui));
        ui.scope_builder(UiBuilder::new().max_rect(left), |ui| diff.ui(cx, ui));
        ui.scope_builder(UiBuilder::new().max_rect(right), |ui| plot.ui(cx, edit, ui));
    };
    let mut window = open(&folder, show);
    wait(&mut window, "all figures", |s| s.figures.is_complete);
    click(&mut window, "Keep as a candidate");
    wait(&mut window, "the candidate to be kept", |s| s.edit.variants.len() == 1);
    assert!(session(&window).is_unsaved());
    let kept = session(&window).edit.variants[0].clone();

    // Another recipe on screen: the kept one is measured beside it, by the same engine.
    let mut other = session(&window).edit.clone();
    other.recipe.quantize_mut().unwrap().granularity = Granularity::PerTensor;
    edit(&mut window, other.clone());
    wait(&mut window, "the other recipe", |s| s.figures.is_complete);
    wait(&mut window, "the kept recipe", |s| s.on_demand.comparison.measured(&kept.recipe).is_some());
    let (statics, accuracy) = run(session(&window), &kept.recipe);
    let measured = session(&window).on_demand.comparison.measured(&kept.recipe).unwrap().clone();
    assert_eq!(measured.statics.as_ref().unwrap().size, statics.size);
    assert_eq!(measured.accuracy, Some(accuracy.clone()));
    assert_eq!(kept.figures.size_bytes, Some(statics.size.file_bytes));
    assert_eq!(kept.figures.top1, accuracy.top1());
    assert!(is_shown(&window, "+  granularity: PerTensor,"), "compared with the source, all of the recipe is new");
    click(&mut window, &format!("Compare with {}", kept.name));
    assert!(is_shown(&window, "+  granularity: PerTensor,") && is_shown(&window, "-  granularity: PerChannel,"));

    // Stepping goes to the kept one and back without losing the one that is not kept.
    act(&mut window, Action::PreviousCandidate);
    wait(&mut window, "the kept one", |s| s.edit.recipe == kept.recipe);
    act(&mut window, Action::NextCandidate);
    wait(&mut window, "the other one", |s| s.edit.recipe == other.recipe);
    click(&mut window, &format!("Candidate {}", kept.name));
    wait(&mut window, "the kept one again", |s| s.edit.recipe == kept.recipe);

    let project = folder.0.join("keyword.ron");
    send(&mut window, Command::SaveTo(project.clone()));
    wait(&mut window, "the project to be saved", |s| !s.is_unsaved());
    assert_eq!(Project::read(&project).unwrap().variants, [kept]);
    click(&mut window, "Remove this candidate");
    wait(&mut window, "it to be gone", |s| s.edit.variants.is_empty());
    settle(&mut window);
    act(&mut window, Action::Undo);
    wait(&mut window, "it to be back", |s| s.edit.variants.len() == 1);
}

#[test]
fn the_confusion_counts_what_the_accuracy_counts() {
    let folder = Folder::new("spaces-confusion");
    let mut panel = confusion::ConfusionPanel::default();
    let mut window = open(&folder, move |cx, _, ui| panel.ui(cx, ui));
    let counted = |s: &Session| s.candidate().is_some_and(|c| s.on_demand.comparison.confusion(c).is_some());
    wait(&mut window, "the matrix", |s| counted(s) && s.figures.is_complete);
    let session = session(&window);
    let confusion = session.on_demand.comparison.confusion(session.candidate().unwrap()).unwrap().unwrap();
    let accuracy = session.figures.candidate_accuracy.value.as_ref().unwrap();
    assert_eq!(Some(confusion.n_right()), accuracy.top1_correct);
    assert_eq!(confusion.counts.iter().flatten().sum::<usize>(), accuracy.total);
    assert_eq!(confusion.mistakes.len(), accuracy.total - confusion.n_right());
    let of_source = confusion.of_source.as_ref().expect("the source can be run");
    let n_right: usize = (0..of_source.len()).map(|i| of_source[i][i]).sum();
    assert_eq!(Some(n_right), session.figures.baseline_accuracy.value.as_ref().unwrap().top1_correct);
    let label = format!("{} recognised {} times", confusion.classes[0], confusion.counts[0][0]);
    assert!(window.query_all_by_label_contains(&label).next().is_some(), "{label}");
}

#[test]
fn a_sample_says_what_the_executor_says() {
    let folder = Folder::new("spaces-sample");
    let mut panel = sample::SamplePanel::default();
    let mut window = open(&folder, move |cx, _, ui| panel.ui(cx, ui));
    wait(&mut window, "all figures", |s| s.figures.is_complete);
    let trial = |s: &Session, n: usize| s.on_demand.trial.value.clone().filter(|t| t.sample == n && !s.on_demand.trial.is_stale);
    click(&mut window, "Next sample");
    wait(&mut window, "the second sample", |s| trial(s, 1).is_some());
    let session = session(&window);
    let trial = trial(session, 1).unwrap();
    let open = session.open.as_ref().unwrap();
    let data = &open.data.as_ref().unwrap().set;
    let candidate = &session.candidate().unwrap().graph;
    assert_eq!(trial.source, Ok(outputs(&open.source.graph, &open.source.graph, data, 1)));
    assert_eq!(trial.candidate, Some(Ok(outputs(&open.source.graph, candidate, data, 1))));
    let said = &data.label_names[class_of(trial.source.as_ref().unwrap())];
    assert!(is_shown(&window, said), "{said} is shown");

    // The next mistake is one.
    wait(&mut window, "the mistakes", |s| s.candidate().is_some_and(|c| s.on_demand.comparison.confusion(c).is_some()));
    click(&mut window, "Next mistake");
    wait(&mut window, "the mistaken sample", |s| {
        s.on_demand.trial.value.as_ref().is_some_and(|t| t.sample > 1) && !s.on_demand.trial.is_stale
    });
    let session = self::session(&window);
    let trial = session.on_demand.trial.value.as_ref().unwrap();
    let data = &session.open.as_ref().unwrap().data.as_ref().unwrap().set;
    let said = class_of(trial.candidate.as_ref().unwrap().as_ref().unwrap());
    assert_ne!(data.labels.as_ref().unwrap()[trial.sample] as usize, said);
}

#[test]
fn the_data_set_is_described_and_can_be_removed() {
    let folder = Folder::new("spaces-data");
    let mut panel = data_set::DataSetPanel::default();
    let mut window = open(&folder, move |cx, _, ui| panel.ui(cx, ui));
    wait(&mut window, "all figures", |s| s.figures.is_complete);
    let open = session(&window).open.as_ref().unwrap();
    let data = open.data.as_ref().unwrap();
    let labels = data.set.labels.as_deref().unwrap();
    let of_first = |samples: &[usize]| samples.iter().filter(|&&i| labels[i] == 0).count();
    let words = format!(
        "Class {}: {} to calibrate, {} to test",
        data.set.label_names[0],
        of_first(&data.roles.calibration),
        of_first(&data.roles.test)
    );
    assert!(is_shown(&window, &words), "{words}");
    assert!(is_shown(&window, &format!("Samples {}", units::exact(data.set.n_samples() as u64))));
    click(&mut window, "Remove data");
    wait(&mut window, "the data to be gone", |s| s.open.as_ref().is_some_and(|o| o.data.is_none()));
    settle(&mut window);
    assert!(is_shown(&window, "No data set"));
}

// ------------------------------------------------------------------------------------------------------------ helpers

/// A window on the sample's model and data, with a panel above it.
fn open(folder: &Folder, show: impl FnMut(PanelCtx<'_>, &mut Edit, &mut Ui) + 'static) -> Window {
    let (model, data) = folder.sample();
    let mut window = window(model, show);
    send(&mut window, Command::OpenPath(data));
    wait(&mut window, "the data to be open", |s| s.open.as_ref().is_some_and(|o| o.data.is_some()));
    window
}

/// A window on a model with a panel above it that covers it.
fn window(model: PathBuf, mut show: impl FnMut(PanelCtx<'_>, &mut Edit, &mut Ui) + 'static) -> Window {
    let frame = move |ui: &mut Ui, app: &mut Option<App>| {
        let app = app.get_or_insert_with(|| App::new(ui.ctx(), Some(model.clone())));
        app.step(ui.ctx());
        app.show(ui);
        let ctx = ui.ctx().clone();
        let commands = Commands::default();
        let mut edit = app.session().edit.clone();
        let cx = PanelCtx { session: app.session(), commands: &commands };
        if cx.session.open.is_some() {
            let area = Area::new(Id::unique("the panel")).fixed_pos(pos2(0.0, 0.0)).constrain(false);
            area.show(&ctx, |ui| {
                ui.set_min_size(vec2(1280.0, 800.0));
                ui.set_max_size(vec2(1280.0, 800.0));
                show(cx, &mut edit, ui);
            });
        }
        app.take_edit(edit, &ctx);
        commands.take().into_iter().for_each(|command| app.send(command));
    };
    let builder = Harness::builder().with_size([1280.0, 800.0]).with_step_dt(0.1).with_context_setup(theme::install);
    let mut window = builder.build_ui_state(frame, None);
    wait(&mut window, "the model to be open", |s| s.open.is_some());
    window
}

/// So many dense layers, one after the other, each a little wider than the one before.
fn dense_chain(n: usize) -> Graph {
    let mut graph = Graph { name: "many".to_owned(), ..Graph::default() };
    let mut last = graph.add_tensor(Tensor::activation("input", ElementType::F32, [1, 4]));
    graph.inputs.push(last);
    let mut width = 4;
    for i in 0..n {
        let next = 4 + i % 7;
        let weights = Data::F32(vec![0.1 + i as f32; width * next].into());
        let weights = graph.add_tensor(Tensor::constant(format!("weights_{i}"), [next, width], weights));
        let output = graph.add_tensor(Tensor::activation(format!("dense_{i}"), ElementType::F32, [1, next]));
        let op = Op::FullyConnected(FullyConnected { keep_num_dims: false, activation: Activation::None });
        let name = format!("dense_{i}");
        let inputs = vec![Some(last), Some(weights)];
        graph.nodes.push(Node { sources: vec![name.clone()], name, op, inputs, outputs: vec![output] });
        (last, width) = (output, next);
    }
    graph.outputs.push(last);
    graph
}

fn session(window: &Window) -> &Session {
    window.state().as_ref().expect("the first frame makes the app").session()
}

fn edit(window: &mut Window, edit: Edit) {
    let ctx = window.ctx.clone();
    window.state_mut().as_mut().expect("the first frame makes the app").take_edit(edit, &ctx);
    window.step();
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    settle(window);
}

/// What a button copies.
fn copied(window: &mut Window, label: &str) -> String {
    window.get_by_label(label).click();
    for _ in 0..6 {
        window.step();
        let text = window.output().platform_output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        if let Some(text) = text {
            return text;
        }
    }
    panic!("{label} copied nothing");
}

fn wait(window: &mut Window, what: &str, done: impl Fn(&Session) -> bool) {
    tinsmith_tests::window::wait(window, what, |app| done(app.session()));
}

/// What the engine gives for a recipe on the model, the data and the board of a session.
fn run(session: &Session, recipe: &Recipe) -> (Arc<StaticFigures>, AccuracyFigures) {
    let open = session.open.as_ref().unwrap();
    let job = Job { recipe: recipe.clone(), ..open.job(&session.edit, session.device().unwrap()) };
    let (mut statics, mut accuracy) = (None, None);
    let mut tell = |event| match event {
        Event::Static { side: Side::Candidate, figures } => statics = Some(figures),
        Event::Accuracy { side: Side::Candidate, figures } => accuracy = Some(figures),
        _ => {}
    };
    Engine::new().run(&job, &Cancel::new(), &mut tell).unwrap();
    (statics.unwrap(), accuracy.unwrap())
}

/// First output of a graph for one sample, by the executor itself.
fn outputs(source: &Graph, graph: &Graph, data: &DataSet, sample: usize) -> Vec<f32> {
    let meaning = feed::meaning(data, only_input(source).unwrap());
    let bytes = feed::model_samples(data, meaning, &[sample], only_input(graph).unwrap()).unwrap();
    Executor::new(graph).unwrap().run_real(&[&bytes], 1, &Cancel::new()).unwrap().remove(0)
}
