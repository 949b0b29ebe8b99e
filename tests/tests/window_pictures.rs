//! Pictures of what is painted by hand, compared with recorded ones: the graph, a histogram, the memory timeline, as SVG. Fonts are
//! embedded and layout is arithmetic, so they are the same on every machine, but for the last digit of a coordinate.
//!
//! Where a change is meant, look at the new pictures and record them:
//!
//!     TINSMITH_RECORD_PICTURES=1 cargo test -p tinsmith-tests --test window_pictures

use std::path::PathBuf;

use eframe::egui::accesskit::Role;
use egui_kittest::kittest::Queryable;
use tinsmith::gui::command::{Action, Command};
use tinsmith::gui::picture::{Format, Request};
use tinsmith::gui::workspace::Workspace;
use tinsmith_tests::window::{Folder, Window, act, is_complete, is_shown, open, send, settle, wait};

/// Points by which a coordinate may differ.
const TOLERANCE: f64 = 0.051;

/// The texts between numbers, and the numbers.
fn parts(svg: &str) -> (Vec<&str>, Vec<f64>) {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let texts = svg.split(is_number).filter(|t| !t.is_empty()).collect();
    let numbers = svg.split(|c| !is_number(c)).filter_map(|n| n.parse().ok()).collect();
    (texts, numbers)
}

fn picture(window: &mut Window, folder: &Folder, name: &str) -> String {
    let path = folder.0.join("picture.svg");
    let _ = std::fs::remove_file(&path);
    let request = Request { name: name.to_owned(), format: Format::Svg, to: Some(path.clone()) };
    send(window, Command::SavePicture(request));
    wait(window, name, |_| std::fs::read_to_string(&path).is_ok_and(|text| text.trim_end().ends_with("</svg>")));
    std::fs::read_to_string(&path).unwrap()
}

#[track_caller]
fn assert_looks_like(svg: &str, name: &str) {
    let recorded = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/pictures").join(format!("{name}.svg"));
    if std::env::var_os("TINSMITH_RECORD_PICTURES").is_some() {
        std::fs::create_dir_all(recorded.parent().unwrap()).unwrap();
        return std::fs::write(recorded, svg).unwrap();
    }
    let before = std::fs::read_to_string(&recorded).expect("it was recorded");
    let ((texts, numbers), (texts_before, numbers_before)) = (parts(svg), parts(&before));
    assert_eq!(texts, texts_before, "{name} shows other things than it did");
    let moved = numbers.iter().zip(&numbers_before).filter(|(a, b)| (**a - **b).abs() > TOLERANCE).count();
    assert_eq!((numbers.len(), moved), (numbers_before.len(), 0), "{name}: {moved} numbers differ from what was recorded");
}

#[test]
fn what_is_painted_by_hand_looks_as_it_was_recorded() {
    let folder = Folder::new("pictures");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    wait(&mut window, "the histograms", |app| app.session().distributions.is_some());
    settle(&mut window);
    for name in ["Graph", "Weights plot", "Channel ranges plot"] {
        let svg = picture(&mut window, &folder, name);
        assert_looks_like(&svg, &name.to_lowercase().replace(' ', "-"));
    }
    window.get_by_role_and_label(Role::Tab, "Memory timeline").click();
    settle(&mut window);
    let svg = picture(&mut window, &folder, "Memory timeline");
    assert_looks_like(&svg, "memory-timeline");
}

#[test]
fn what_is_scrolled_away_is_whole_as_svg_and_no_picture_as_png() {
    let folder = Folder::new("pictures-hidden");
    let mut window = open(Some(folder.project()));
    wait(&mut window, "all figures", is_complete);
    // In a window of this height the arena plan lies below the end of its panel.
    act(&mut window, Action::Go(Workspace::Export));
    settle(&mut window);
    let svg = picture(&mut window, &folder, "Memory timeline");
    // Its axis and its bars, down to the lowest.
    assert!(svg.contains("op, in the order of the schedule"), "{svg}");
    let n_bars = svg.matches("<rect").count();
    assert!(n_bars > 10, "{n_bars} rectangles");

    let path = folder.0.join("picture.png");
    send(
        &mut window,
        Command::SavePicture(Request { name: "Memory timeline".to_owned(), format: Format::Png, to: Some(path.clone()) }),
    );
    settle(&mut window);
    assert!(is_shown(&window, "Memory timeline is not on screen") && !path.exists());
}
