use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::check::Finding;
use super::edit::purge;
use super::filter::Filter;
use super::split::{Keep, Plan};
use super::tensors::tensors;
use super::*;
use crate::data::features::Pipeline;
use crate::data::{DataProblem, Values, open, wav};
use crate::progress::Cancel;

fn item(file: &str, span: (u64, u64), label: &str, group: &str) -> Arc<Item> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Arc::new(Item { file: file.into(), span, label: some(label), group: some(group), ..Item::default() })
}

/// `n` clips of two classes, three to one, of five people who say the same in turn.
fn spoken(n: usize) -> Library {
    let mut library = Library::new(Kind::Sound, "spoken");
    let label = |i: usize| if i.is_multiple_of(4) { "no" } else { "yes" };
    library.items = (0..n).map(|i| item(&format!("samples/{i}.wav"), (0, 1000), label(i), &format!("p{}", i / 4 % 5))).collect();
    library.complete_labels();
    library
}

fn plan(keep: Keep, seed: u64) -> Plan {
    Plan { test: 0.2, calibration: 0.1, keep, seed }
}

fn splits(library: &Library) -> Vec<Option<Split>> {
    library.items.iter().map(|item| item.split).collect()
}

#[test]
fn an_index_comes_back_and_is_an_item_a_line() {
    let mut library = spoken(3).with_split(&[1], Some(Split::Test)).trimmed(2, 5, 900);
    library.rate_hz = Some(16_000.0);
    library.window = Some(Window { length: 400, stride: 200, pad: true });
    let text = library.to_ron().unwrap();
    assert_eq!(Library::from_ron(&text).unwrap(), library);
    assert!(
        text.lines().any(|line| line.trim().starts_with("(file: \"samples/1.wav\"") && line.contains("split: Test")),
        "{text}"
    );
}

#[test]
fn what_no_index_may_hold_is_refused_in_a_line() {
    let text = spoken(1).to_ron().unwrap();
    let cases = [
        (text.replace("version: 1", "version: 9"), "newer Tinsmith (version 9"),
        (text.replace("samples/0.wav", "../0.wav"), "outside of the folder"),
        (text.replace("samples/0.wav", "/etc/passwd"), "outside of the folder"),
        (text.replace("(0, 1000)", "(1000, 1000)"), "which is nothing"),
        (text.replace("kind: Sound", "kind: Smell"), "Smell"),
        (text.replace("kind: Sound", "rate_hz: -1.0, kind: Sound"), "positive"),
        (text.replace("kind: Sound", "window: (length: 5, stride: 0), kind: Sound"), "stride above 0"),
        (text.replace("kind: Sound", "kind: Tensor"), "expected one row"),
        (text.replace("kind: Sound", "zero_point: -2147483648, kind: Sound"), "expected one of 16 bits"),
        (text[..30].to_owned(), "not a sound index"),
    ];
    for (text, words) in cases {
        let error = Library::from_ron(&text).unwrap_err().to_string();
        assert!(error.contains(words) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn classes_are_in_the_order_of_models() {
    let labelled = |labels: &[&str]| {
        let mut library = Library::new(Kind::Image, "");
        library.items = labels.iter().map(|label| item("a.png", (0, 1), label, "")).collect();
        library.complete_labels();
        library.labels
    };
    assert_eq!(labelled(&["b", "a", "b"]), ["a", "b"]);
    assert_eq!(labelled(&["3", "1"]), ["0", "1", "2", "3"]);
    assert_eq!(labelled(&["03", "1"]), ["03", "1"]);
    assert_eq!(labelled(&["99999999999", "1"]), ["1", "99999999999"]);
}

#[test]
fn edits_leave_what_was_before() {
    let before = spoken(4);
    let kept = before.clone();
    let after = before.relabelled(&[0, 2, 77], Some("maybe"));
    assert_eq!(after.labels, ["no", "yes", "maybe"]);
    assert_eq!(after.items[2].label.as_deref(), Some("maybe"));
    assert!(Arc::ptr_eq(&after.items[1], &before.items[1]), "what is not edited is shared");

    let trimmed = before.trimmed(1, 100, 5000);
    assert_eq!(trimmed.items[1].span, (100, 1000));
    assert_eq!(trimmed.trimmed(1, 100, 300).items[1].span, (200, 400));
    assert_eq!(before.trimmed(1, 500, 500), before);

    let parts = trimmed.split_at(1, 300);
    assert_eq!((parts.items[1].span, parts.items[2].span, parts.items.len()), ((100, 400), (400, 1000), 5));
    assert_eq!(parts.split_at(1, 300), parts, "an end is no place to split at");
    assert_eq!(before, kept);
}

#[test]
fn deleted_files_stay_until_the_purge() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("samples")).unwrap();
    for i in 0..3 {
        fs::write(folder.path().join(format!("samples/{i}.wav")), b"").unwrap();
    }
    let library = spoken(3).split_at(0, 500);
    let one = library.without(&[0]);
    assert!(one.removed.is_empty(), "the other half is there");
    let two = one.without(&[0, 1]);
    assert_eq!(two.removed, ["samples/0.wav", "samples/1.wav"]);
    assert!(folder.path().join("samples/0.wav").exists());
    // Undone for one of them.
    let mut restored = two.clone();
    restored.items.push(one.items[0].clone());
    let (purged, n) = purge(folder.path(), &restored).unwrap();
    assert_eq!((n, purged.removed.len()), (1, 0));
    let is_there = |i: usize| folder.path().join(format!("samples/{i}.wav")).exists();
    assert_eq!([0, 1, 2].map(is_there), [true, false, true]);
    assert_eq!(Library::open(folder.path()).unwrap(), purged);
    // The same file by another name is in use.
    let named_twice = Library { removed: vec!["samples/./2.wav".into()], ..purged };
    assert_eq!(purge(folder.path(), &named_twice).unwrap().1, 0);
    assert!(is_there(2));
}

#[test]
#[cfg(unix)]
fn links_out_of_the_folder_are_not_followed() {
    let [inside, outside] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let target = outside.path().join("secret.wav");
    fs::write(&target, b"").unwrap();
    std::os::unix::fs::symlink(&target, inside.path().join("0.wav")).unwrap();
    let mut library = Library::new(Kind::Sound, "");
    library.items.push(item("0.wav", (0, 1), "", ""));
    let error = Reader::new(inside.path()).read(&library, &library.items[0]).unwrap_err().to_string();
    assert!(error.contains("outside of the folder"), "{error}");
    assert!(purge(inside.path(), &library.without(&[0])).is_err());
    assert!(target.exists());
}

#[test]
fn filters_and_balance_tell_the_same() {
    let library = spoken(40).with_split(&[0, 1, 2], Some(Split::Test)).relabelled(&[9], None);
    let of = |filter: Filter| library.filtered(&filter).len();
    assert_eq!(of(Filter::default()), 40);
    assert_eq!(of(Filter { label: Some(Some("no".into())), ..Filter::default() }), 10);
    assert_eq!(of(Filter { label: Some(None), ..Filter::default() }), 1);
    assert_eq!(of(Filter { split: Some(Some(Split::Test)), ..Filter::default() }), 3);
    assert_eq!(of(Filter { text: "/1".into(), ..Filter::default() }), 11);
    let balance = library.balance();
    assert_eq!(balance.iter().map(|class| class.total()).collect::<Vec<_>>(), [10, 29, 1]);
    assert_eq!((balance[1].items, balance[1].instants), ([27, 0, 0, 2], 29_000));
    assert_eq!(library.groups().len(), 5);
}

#[test]
fn splits_have_their_fractions_of_every_class() {
    let library = spoken(400).split(&plan(Keep::Recordings, 7)).unwrap();
    let balance = library.balance();
    assert_eq!(balance[0].items, [0, 70, 10, 20]);
    assert_eq!(balance[1].items, [0, 210, 30, 60]);
    assert!(library.findings().iter().all(|finding| matches!(finding, Finding::Leak { what: "group", .. })));

    // The same seed gives the same splits in whatever order, another one others.
    let mut reversed = spoken(400);
    reversed.items.reverse();
    let mut again = splits(&reversed.split(&plan(Keep::Recordings, 7)).unwrap());
    again.reverse();
    assert_eq!(again, splits(&library));
    assert_ne!(splits(&spoken(400).split(&plan(Keep::Recordings, 8)).unwrap()), splits(&library));
}

#[test]
fn fractions_that_leave_nothing_leave_nothing() {
    let split = spoken(10).split(&Plan { test: 0.7, calibration: 0.3, ..plan(Keep::Recordings, 1) }).unwrap();
    assert!(!splits(&split).contains(&Some(Split::Train)));
}

#[test]
fn what_is_in_no_split_is_trained_with() {
    let library = spoken(8);
    let of_one = |library: &Library| library.findings().iter().filter(|f| matches!(f, Finding::Leak { .. })).count();
    assert_eq!(of_one(&library), 0);
    // The others of that group are in none.
    assert_eq!(of_one(&library.with_split(&[0], Some(Split::Test))), 1);
}

/// What an index promises is not allocated before its files are read.
#[test]
fn an_index_that_promises_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = two_clips(folder.path());
    let length = u64::from(u32::MAX) / 8;
    library.window = Some(Window { length, stride: 1, pad: true });
    let error = tensors(folder.path(), &library, None, &Cancel::new()).unwrap_err().to_string();
    assert!(error.contains("expected at most"), "{error}");
    library.items = vec![item(&library.items[0].file, (0, 500_000_000), "yes", "")];
    library.window = Some(Window { length: 1, stride: 1, pad: false });
    assert!(tensors(folder.path(), &library, None, &Cancel::new()).is_err());
}

#[test]
fn nobody_is_in_two_splits() {
    let library = spoken(400).split(&plan(Keep::Groups, 7)).unwrap();
    assert_eq!(library.findings(), []);
    assert_eq!(library.balance()[0].items, [0, 60, 20, 20], "of five people");
    // Parts of one clip go with it, and so does who is in both.
    let mut parts = spoken(40).split_at(0, 500);
    parts = parts.with_group(&[1], Some("p3"));
    let parts = parts.split(&plan(Keep::Groups, 1)).unwrap();
    assert_eq!(parts.items[0].split, parts.items[1].split);
    assert_eq!(parts.findings().iter().filter(|finding| matches!(finding, Finding::Leak { .. })).count(), 0);
}

#[test]
fn fractions_and_groups_that_do_not_do_are_refused() {
    let refusal = |library: Library, plan: Plan| library.split(&plan).unwrap_err().to_string();
    assert!(refusal(spoken(9), Plan { test: 0.8, ..plan(Keep::Recordings, 0) }.with_calibration(0.3)).contains("at most 1"));
    assert!(refusal(spoken(9), Plan { test: f64::NAN, ..plan(Keep::Recordings, 0) }).contains("fractions"));
    assert!(refusal(spoken(4), plan(Keep::Groups, 0)).contains("1 groups cannot fill 3 splits"));
}

impl Plan {
    fn with_calibration(self, calibration: f64) -> Self {
        Self { calibration, ..self }
    }
}

#[test]
fn findings_name_what_leaks_and_what_is_short() {
    let library = spoken(8).split_at(0, 500).with_split(&[0], Some(Split::Test)).with_split(&[1, 2], Some(Split::Train));
    let texts: Vec<String> = library.relabelled(&[4], None).findings().iter().map(ToString::to_string).collect();
    let has = |words: &str| texts.iter().any(|text| text.contains(words));
    assert!(has("recording samples/0.wav are in train and test; split by recording"), "{texts:?}");
    assert!(has("group p0") && has("class yes has 0 items for test") && has("1 items have no label"), "{texts:?}");
    let uneven = spoken(40).relabelled(&(0..38).collect::<Vec<_>>(), Some("yes"));
    assert!(uneven.findings().iter().any(|finding| matches!(finding, Finding::Uneven { .. })));
}

#[test]
fn a_subset_has_as_many_of_each_class_as_there_are() {
    let library = spoken(40);
    let all: Vec<usize> = (0..40).collect();
    let chosen = library.chosen(&all, 12, 3);
    let mut classes: HashMap<&str, usize> = HashMap::new();
    chosen.iter().for_each(|&i| *classes.entry(library.items[i].label.as_deref().unwrap()).or_default() += 1);
    assert_eq!((classes["yes"], classes["no"]), (6, 6));
    assert!(chosen.is_sorted());
    assert_eq!(library.chosen(&all, 99, 3), all);
    let calibrated = library.with_split(&[0], Some(Split::Calibration)).calibrated_by(&chosen[1..]);
    assert_eq!(calibrated.balance().iter().map(|class| class.items[2]).sum::<usize>(), 11);
}

/// A data set of two clips of `[1, 2, 3, …] / 128`, at 100 Hz.
fn two_clips(folder: &Path) -> Library {
    fs::create_dir(folder.join("samples")).unwrap();
    let mut library = Library::new(Kind::Sound, "clips");
    library.rate_hz = Some(100.0);
    for (i, n) in [(0, 10), (1, 4)] {
        let samples = (1..=n).map(|x| x as f32 / 128.0).collect();
        let sound = wav::Sound { rate_hz: 100, n_channels: 1, samples };
        fs::write(folder.join(format!("samples/{i}.wav")), wav::write(&sound).unwrap()).unwrap();
        library.items.push(item(&format!("samples/{i}.wav"), (0, n), ["yes", "no"][i], ""));
    }
    library.complete_labels();
    library
}

#[test]
fn recordings_become_windows_with_their_labels_and_splits() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = two_clips(folder.path()).with_split(&[1], Some(Split::Test));
    let error = tensors(folder.path(), &library, None, &Cancel::new()).unwrap_err().to_string();
    assert!(error.contains("1.wav") && error.contains("with a window"), "{error}");

    library.window = Some(Window { length: 6, stride: 2, pad: false });
    library.save(folder.path()).unwrap();
    let set = open(folder.path()).unwrap();
    assert_eq!((set.n_samples(), set.sample_shape.as_slice()), (3, &[6, 1][..]), "the short one is left out");
    assert_eq!(set.labels.as_deref(), Some(&[1, 1, 1][..]));
    let Values::F32(values) = &set.values else { panic!("sound is real") };
    assert_eq!(values[6..12], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0].map(|x| x / 128.0));

    library.window = Some(Window { length: 6, stride: 3, pad: true });
    let made = tensors(folder.path(), &library, None, &Cancel::new()).unwrap();
    assert_eq!(made.set.labels.as_deref(), Some(&[1, 1, 0][..]));
    assert_eq!(made.set.splits.as_deref(), Some(&[Split::Train, Split::Train, Split::Test][..]));
    assert_eq!(made.pieces[2], windows::Piece { item: 1, start: 0, end: 4 });
    let Values::F32(values) = &made.set.values else { panic!("sound is real") };
    assert_eq!(values[12..], [1.0, 2.0, 3.0, 4.0, 0.0, 0.0].map(|x| x / 128.0));
    // The hash is that of the samples, not of names.
    let renamed = Library { name: "other".into(), ..library.clone() };
    assert_eq!(tensors(folder.path(), &renamed, None, &Cancel::new()).unwrap().set.hash, made.set.hash);
    let relabelled = library.relabelled(&[1], Some("yes"));
    assert_ne!(tensors(folder.path(), &relabelled, None, &Cancel::new()).unwrap().set.hash, made.set.hash);
}

#[test]
fn features_take_the_place_of_windows() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = two_clips(folder.path());
    library.window = Some(Window { length: 4, stride: 4, pad: false });
    let raw = tensors(folder.path(), &library, None, &Cancel::new()).unwrap().set;
    let made = |stages: &[&str]| tensors(folder.path(), &library, Some(&Pipeline::parse(stages).unwrap()), &Cancel::new());
    let set = made(&["clip:length=20,align=start"]).unwrap().set;
    assert_eq!((set.sample_shape.as_slice(), set.labels.as_deref()), (&[2, 1][..], raw.labels.as_deref()));
    assert_eq!(set.values, Values::F32([1.0, 2.0, 5.0, 6.0, 1.0, 2.0].map(|x| x / 128.0).into()));
    let front_end = set.front_end.as_deref().unwrap();
    assert_eq!((front_end.rate_hz, front_end.n_channels, front_end.n_values), (100.0, 1, 2));

    // Stages make other samples of the same recordings.
    let other = made(&["clip:length=30"]).unwrap().set;
    assert!(set.hash == raw.hash && other.hash == raw.hash && raw.samples_hash() == raw.hash);
    assert!(set.samples_hash() != raw.hash && set.samples_hash() != other.samples_hash());

    // A window stage makes several of one piece.
    let halves = made(&["window:length=20,overlap=0"]).unwrap();
    assert_eq!((halves.set.n_samples(), halves.set.labels.as_deref()), (6, Some(&[1, 1, 1, 1, 0, 0][..])));
    assert!(halves.pieces[0] == halves.pieces[1] && halves.pieces[1] != halves.pieces[2]);
    assert_eq!(halves.set.hash, raw.hash);
    assert_eq!(made(&[]).unwrap().set, raw, "no stages");
}

#[test]
fn whole_recordings_of_any_length_have_features_of_one_shape() {
    let folder = tempfile::tempdir().unwrap();
    let library = two_clips(folder.path());
    let clip = Pipeline::parse(&["clip:length=50"]).unwrap();
    let of = |library: &Library| tensors(folder.path(), library, Some(&clip), &Cancel::new()).unwrap().set;
    let set = of(&library);
    assert_eq!((set.n_samples(), set.sample_shape.as_slice()), (2, &[5, 1][..]));
    assert_ne!(of(&library.trimmed(0, 0, 9)).hash, set.hash, "the recordings are others");
}

#[test]
fn features_that_cannot_be_name_the_recording_and_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let library = two_clips(folder.path());
    let made = |library: &Library, stages: &[&str], cancel: &Cancel| {
        tensors(folder.path(), library, Some(&Pipeline::parse(stages).unwrap()), cancel).unwrap_err()
    };
    let wrong = made(&library, &["mono", "window:length=70"], &Cancel::new()).to_string();
    assert!(wrong.contains("1.wav: stage 2 (window): "), "{wrong}");
    let wrong = made(&library, &["mono"], &Cancel::new()).to_string();
    assert!(wrong.contains("1.wav: it has shape [4, 1], those before it [10, 1]"), "{wrong}");
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(made(&library, &["mono"], &cancel).problem, DataProblem::Cancelled(_)));
    fs::write(folder.path().join("a.csv"), "1\n2\n").unwrap();
    let mut series = Library::new(Kind::Series, "no rate");
    series.items.push(item("a.csv", (0, 2), "", ""));
    let wrong = made(&series, &["mono"], &Cancel::new()).to_string();
    assert!(wrong.contains("a.csv: it does not say how many instants a second"), "{wrong}");
}

#[test]
fn a_recording_that_was_cut_off_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = two_clips(folder.path());
    Arc::make_mut(&mut library.items[0]).span.1 = 11;
    let error = Reader::new(folder.path()).read(&library, &library.items[0]).unwrap_err().to_string();
    assert!(error.contains("ends at 10, its index says 11"), "{error}");
    library.window = Some(Window { length: u64::MAX, stride: 1, pad: true });
    assert!(tensors(folder.path(), &library, None, &Cancel::new()).unwrap_err().to_string().contains("values, expected at most"));
}

#[test]
fn doubles_are_found_whatever_their_level() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::new(Kind::Sound, "");
    let tone = |gain: f32, step: usize| (0..640).map(|i| gain * ((i * step % 97) as f32 * (i / 64) as f32)).collect::<Vec<_>>();
    let clips = [tone(1e-3, 5), tone(1e-3, 5), tone(5e-4, 5), (0..640).map(|i| i as f32 * 1e-3).collect()];
    for (i, samples) in clips.into_iter().enumerate() {
        let sound = wav::Sound { rate_hz: 100, n_channels: 1, samples };
        fs::write(folder.path().join(format!("{i}.wav")), wav::write(&sound).unwrap()).unwrap();
        library.items.push(item(&format!("{i}.wav"), (0, 640), "", ""));
    }
    let found = library.with_split(&[1], Some(Split::Test)).doubles(folder.path(), &Cancel::new()).unwrap();
    let sets: Vec<(bool, &[usize], bool)> = found
        .iter()
        .map(|finding| match finding {
            Finding::Doubles { exact, items, harmful, .. } => (*exact, items.as_slice(), *harmful),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(sets, [(true, &[0, 1][..], true), (false, &[0, 2], false), (false, &[1, 2], true)]);
}

#[test]
fn a_hundred_thousand_items_are_listed_filtered_split_and_saved() {
    let library = spoken(100_000);
    assert_eq!(library.filtered(&Filter { label: Some(Some("no".into())), ..Filter::default() }).len(), 25_000);
    let split = library.split(&plan(Keep::Recordings, 1)).unwrap();
    assert_eq!(split.balance()[1].items, [0, 52_500, 7_500, 15_000]);
    assert_eq!(split.without(&[5]).items.len(), 99_999);
    let text = split.to_ron().unwrap();
    assert_eq!(Library::from_ron(&text).unwrap(), split);
}
