//! Writes a project with the recipe of a newly opened model, calibrated, as the window would save it.
//!
//! ```text
//! cargo run -p tinsmith-core --example keyword_project -- MODEL DATA DEVICE NOTES PROJECT.ron
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tinsmith_core::data;
use tinsmith_core::measure::device::device;
use tinsmith_core::preview::{Engine, Event, Job, Source, project_of};
use tinsmith_core::progress::Cancel;
use tinsmith_core::recipe::Recipe;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, device, notes, project] = &args[..] else {
        eprintln!("usage: keyword_project MODEL DATA DEVICE NOTES PROJECT.ron");
        return ExitCode::from(2);
    };
    match write_project(Path::new(model), Path::new(data), device, notes, Path::new(project)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_project(model: &Path, data_path: &Path, device_id: &str, notes: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let job = Job {
        source: Arc::new(Source::open(model)?),
        data: Some(Arc::new(data::open(data_path)?)),
        ranges: None,
        recipe: Recipe::int8(),
        device: device(device_id).ok_or_else(|| format!("no board \"{device_id}\""))?,
    };
    let mut calibration = None;
    Engine::new().run(&job, &Cancel::new(), &mut |event| {
        if let Event::Calibration(found) = event {
            calibration = Some(found);
        }
    })?;
    let mut project = project_of(path, &job, Some(data_path), calibration.as_deref(), None);
    project.notes = notes.to_owned();
    Ok(project.write(path)?)
}
