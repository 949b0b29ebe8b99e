use std::fs;
use std::path::Path;

use super::*;
use crate::data::features::{Pipeline, describe_stages};
use crate::optimize::CalibratorRanges;
use crate::recipe::Calibrator;

fn project(folder: &Path) -> Project {
    let reference = FileReference::new(&folder.join("p.ron"), &folder.join("model.tflite"), &[7; 32]);
    let mut project = Project::new(reference, Recipe::int8());
    let awkward = (-0.1_f32 - f32::EPSILON, 16_777_217.0_f32 / 3.0);
    let ranges = CalibratorRanges { calibrator: Calibrator::MinMax, ranges: [(3, awkward)].into() };
    let ranges = CalibratedRanges { samples: 100, calibrators: vec![ranges], ..CalibratedRanges::default() };
    project.calibration = Some(StoredCalibration { data: "ab".repeat(32), ranges });
    project.notes = "first try\nwith \"quotes\"".into();
    project
}

#[test]
fn what_is_written_is_read_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ron");
    let project = project(folder.path());
    project.write(&path).unwrap();
    assert_eq!(Project::read(&path).unwrap(), project);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays behind");
}

#[test]
fn what_the_files_leave_open_is_kept_and_old_projects_say_nothing_of_it() {
    let mut project = project(Path::new("/a"));
    let silent = project.to_ron().unwrap();
    assert!(!silent.contains("import") && !silent.contains("layout"), "{silent}");
    assert_eq!(Project::from_ron(&silent).unwrap(), project);
    project.import.dims = [("time".into(), 64), ("input_1:2".into(), 6)].into();
    project.layout = Some(Layout::Nchw);
    assert_eq!(Project::from_ron(&project.to_ron().unwrap()).unwrap(), project);
}

#[test]
fn features_are_kept_and_old_projects_say_nothing_of_them() {
    let mut project = project(Path::new("/a"));
    let silent = project.to_ron().unwrap();
    assert!(!silent.contains("features"), "{silent}");
    // Every stage, and settings that are none, some and lists.
    let stages = describe_stages();
    let mut pipeline = Pipeline::parse(&stages.iter().map(|stage| stage.name).collect::<Vec<_>>()).unwrap();
    pipeline.stages.extend(Pipeline::parse(&["normalise:fit=fixed,centre=-0.1,spread=0.3333333"]).unwrap().stages);
    project.features = Some(pipeline);
    let text = project.to_ron().unwrap();
    assert_eq!(Project::from_ron(&text).unwrap(), project);
    assert_eq!(Project { features: None, ..Project::from_ron(&text).unwrap() }.to_ron().unwrap(), silent);
}

#[test]
fn the_version_stands_first() {
    let text = project(Path::new("/a")).to_ron().unwrap();
    let first = text.lines().find(|line| line.contains(':')).unwrap();
    assert_eq!(first.trim(), "version: 1,");
}

#[test]
fn a_newer_project_is_refused_whatever_else_it_holds() {
    let error = Project::from_ron("(version: 2, model: 5, wonders: [(), ()])").unwrap_err();
    assert!(matches!(error, ProjectTrouble::Newer { found: 2 }), "{error}");
}

#[test]
fn errors_name_the_line() {
    let error = Project::from_ron("(\n    version: 1,\n    model: 5,\n)").unwrap_err();
    assert!(error.to_string().contains("3:"), "{error}");
}

#[test]
fn references_are_relative_and_stay_inside() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("team/models/m.tflite");
    fs::create_dir_all(inside.parent().unwrap()).unwrap();
    fs::write(&inside, "model").unwrap();
    fs::write(folder.path().join("elsewhere.tflite"), "model").unwrap();
    let project = folder.path().join("team/p.ron");

    let reference = FileReference::new(&project, &inside, &[0; 32]);
    assert_eq!(reference.path, "models/m.tflite");
    assert_eq!(reference.resolve(&project, "model", Outside::Refuse).unwrap(), inside);

    for path in ["../elsewhere.tflite", "models/../../elsewhere.tflite", "/etc/hostname"] {
        let reference = FileReference { path: path.into(), hash: String::new() };
        let refused = reference.resolve(&project, "model", Outside::Refuse);
        assert!(matches!(refused, Err(ProjectTrouble::Outside { .. })), "{path}");
    }
    let outside = FileReference { path: "../elsewhere.tflite".into(), hash: String::new() };
    assert!(outside.resolve(&project, "model", Outside::Allow).is_ok());

    // The same reference is fine within a marked folder.
    fs::write(folder.path().join(".tinsmith"), "").unwrap();
    assert!(outside.resolve(&project, "model", Outside::Refuse).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("team")).unwrap();
    fs::write(folder.path().join("secret"), "model").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), folder.path().join("team/model")).unwrap();
    let reference = FileReference { path: "model".into(), hash: String::new() };
    let refused = reference.resolve(&folder.path().join("team/p.ron"), "model", Outside::Refuse);
    assert!(matches!(refused, Err(ProjectTrouble::Outside { .. })));
}

#[test]
fn a_missing_or_changed_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let reference = FileReference { path: "gone.tflite".into(), hash: "00".repeat(32) };
    let missing = reference.resolve(&folder.path().join("p.ron"), "model", Outside::Refuse).unwrap_err();
    assert!(matches!(missing, ProjectTrouble::Missing { what: "model", .. }));
    assert!(reference.check("model", &[0; 32], "").is_ok());
    assert!(matches!(reference.check("model", &[1; 32], ""), Err(ProjectTrouble::Changed { .. })));
}

#[test]
fn unsaved_work_is_found_after_a_crash_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.ron");
    let saved = project(folder.path());
    saved.write(&path).unwrap();
    assert_eq!(recoverable(&path), None);

    let mut worked_on = saved.clone();
    worked_on.notes = "unsaved".into();
    worked_on.write(&autosave_path(&path)).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    fs::File::options().write(true).open(autosave_path(&path)).unwrap().set_modified(later).unwrap();
    assert_eq!(recoverable(&path), Some(worked_on));

    discard_autosave(&path).unwrap();
    discard_autosave(&path).unwrap();
    assert_eq!(recoverable(&path), None);
}
