//! Parts of the firmware in C: motion sensors against chips made of registers, latencies, sound. Projects for boards against
//! declarations of the interfaces that they call.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tinsmith_core::data::features::{Pipeline, preset};
use tinsmith_core::export::features::FeaturePlan;
use tinsmith_core::export::{ExportError, Firmware, Framework, NamedFile, board_project};
use tinsmith_core::formats;
use tinsmith_core::graph::Graph;
use tinsmith_tests::c_code::{CHECKED, compile, has};
use tinsmith_tests::root;

const FILES: [&str; 4] = [
    "tests/firmware/parts.c",
    "assets/firmware/common/tinsmith_imu.c",
    "assets/firmware/common/tinsmith_latency.c",
    "assets/firmware/common/tinsmith_sound.c",
];

fn program(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("parts");
    has("gcc").then(|| {
        compile("gcc", &CHECKED, &FILES, &program);
        program
    })
}

fn run(program: &Path, words: &[&str], input: &str) -> String {
    let mut child = Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is said of a chip that was found: name, rate, steps, what was read, its registers.
struct Found {
    name: String,
    rate_mhz: u32,
    steps: [f64; 2],
    reads: Vec<String>,
    regs: Vec<u8>,
}

fn found(program: &Path, chip: &str) -> Found {
    let text = run(program, &["imu", chip], "");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "state 0", "{chip}");
    let words: Vec<&str> = lines[1].split(' ').collect();
    let digits = lines[5].as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    Found {
        name: words[0].to_owned(),
        rate_mhz: words[1].parse().unwrap(),
        steps: [words[2], words[3]].map(|word| word.parse().unwrap()),
        reads: lines[2..5].iter().map(|&line| line.to_owned()).collect(),
        regs: digits.collect(),
    }
}

/// Full scale as the data sheets code it in a register's bits: g, degrees a second.
fn ranges(chip: &str, regs: &[u8]) -> (f64, f64) {
    match chip {
        "mpu6050" | "mpu6500" | "mpu9250" => {
            // 0x1d is no register of an MPU-6050's. Elsewhere acceleration has its own low-pass, which 1 kHz needs as well.
            let low_pass = if chip == "mpu6050" { [2, 0] } else { [2, 2] };
            assert_eq!([regs[0x1a], regs[0x1d]], low_pass, "{chip}");
            assert_eq!(regs[0x6b] & 0x47, 1, "awake, by the gyroscope's clock");
            assert_eq!(regs[0x38] & 1, 1, "tells of new data");
            (f64::from(2 << (regs[0x1c] >> 3 & 3)), 250.0 * f64::from(1 << (regs[0x1b] >> 3 & 3)))
        }
        "lsm6ds3" | "lsm6dso" => {
            assert_eq!(regs[0x12] & 0x44, 0x44, "whole instants, addresses that count up");
            let g = [2.0, 16.0, 4.0, 8.0][usize::from(regs[0x10] >> 2 & 3)];
            (g, [250.0, 500.0, 1000.0, 2000.0][usize::from(regs[0x11] >> 2 & 3)])
        }
        _ => {
            let g = match (chip, regs[0x41] & 15) {
                ("bmi160", 3) | ("bmi270", 0) => 2.0,
                ("bmi160", 5) | ("bmi270", 1) => 4.0,
                other => panic!("{other:?}"),
            };
            (g, 2000.0 / f64::from(1 << (regs[0x43] & 7)))
        }
    }
}

/// Rate as the data sheets code it: instants a second of acceleration and rotation.
fn rates(chip: &str, regs: &[u8]) -> [f64; 2] {
    match chip {
        // The low-pass is on, so the gyroscope runs at 1 kHz.
        "mpu6050" | "mpu6500" | "mpu9250" => [1000.0 / (1.0 + f64::from(regs[0x19])); 2],
        "lsm6ds3" | "lsm6dso" => [0x10, 0x11].map(|reg| [0.0, 13.0, 26.0, 52.0, 104.0, 208.0][usize::from(regs[reg] >> 4)]),
        _ => [0x40, 0x42].map(|reg| 100.0 * f64::powi(2.0, i32::from(regs[reg] & 15) - 8)),
    }
}

#[test]
fn motion_sensors_are_found_set_up_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let chips = [
        ("mpu6050", "MPU-6050"),
        ("mpu6500", "MPU-6500"),
        ("mpu9250", "MPU-6500"),
        ("lsm6ds3", "LSM6DS"),
        ("lsm6dso", "LSM6DS"),
        ("bmi160", "BMI160"),
        ("bmi270", "BMI270"),
    ];
    for (chip, name) in chips {
        let found = found(&program, chip);
        assert_eq!(found.name, name);
        assert_eq!(rates(chip, &found.regs), [f64::from(found.rate_mhz) / 1000.0; 2], "{chip}");
        let (g, degrees) = ranges(chip, &found.regs);
        assert_eq!((g, degrees), (4.0, 500.0), "{chip}");
        // ST's full scale is not that of 16 bits, but at most 15 % beside it.
        let near = if name == "LSM6DS" { 0.15 } else { 0.002 };
        for (step, full) in found.steps.iter().zip([g * 9.80665, degrees]) {
            assert!((step * 32768.0 / full - 1.0).abs() < near, "{chip}: {step} of {full}");
        }
        // -5 of 2^9 of the rotation about z is taken off that about x.
        let x = if chip == "bmi270" { -4000 + -5 * 32768 / 512 } else { -4000 };
        assert_eq!(found.reads, ["read 0", &format!("read 1: 1 -2 300 {x} 5000 -32768"), "read -1"], "{chip}");
    }
}

#[test]
fn motion_sensors_that_are_not_there_or_go_away_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    for (chip, state) in [("none", 1), ("other", 1), ("mpu6050-dying", 2), ("lsm6dso-dying", 2), ("bmi270-nofile", 3)] {
        assert_eq!(run(&program, &["imu", chip], ""), format!("state {state}\n"), "{chip}");
    }
}

#[test]
fn latencies_are_nearest_ranks_of_the_last_runs() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let stats =
        |us: &mut dyn Iterator<Item = u32>| run(&program, &["latency"], &us.map(|us| format!("{us}\n")).collect::<String>());
    assert_eq!(stats(&mut (1..=200).rev()), "200 100 100 190 198 200\n");
    assert_eq!(stats(&mut std::iter::empty()), "0 0 0 0 0 0\n");
    // The first thousand is forgotten, but for mean and maximum.
    assert_eq!(stats(&mut std::iter::repeat_n(9000, 1000).chain(std::iter::repeat_n(10, 512))), "1512 5955 10 10 10 9000\n");
}

#[test]
fn sound_is_the_top_of_each_word_and_is_clipped() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let words = format!("0\n65536\n-65536\n{}\n{}\n-1\n", i32::MAX, i32::MIN);
    assert_eq!(run(&program, &["sound", "0"], &words), "0\n1\n-1\n32767\n-32768\n-1\n");
    assert_eq!(run(&program, &["sound", "3"], &words), "0\n8\n-8\n32767\n-32768\n-1\n");
}

#[test]
fn words_that_no_microphone_says_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = esp_sensors(folder.path(), &[]) else { return };
    for (line, state) in [("0", 2), ("-1", 2), ("256", 0), ("hums", 0), ("late", 0)] {
        // What nobody reads is let go of: its memory may be what the model needs.
        let driver = if state == 0 { "open" } else { "gone" };
        assert_eq!(run(&program, &["microphone", line], ""), format!("state {state}\ndriver {driver}\n"), "{line}");
    }
}

/// The tasks of an ESP32's sensors as a program.
fn esp_sensors(folder: &Path, options: &[&str]) -> Option<PathBuf> {
    let program = folder.join("sensors");
    let files = [
        "tests/firmware/esp_sensors.c",
        "assets/firmware/esp/tinsmith_esp_imu.c",
        "assets/firmware/esp/tinsmith_esp_microphone.c",
        "assets/firmware/esp/tinsmith_esp_task.c",
        "assets/firmware/common/tinsmith_imu.c",
        "assets/firmware/common/tinsmith_queue.c",
        "assets/firmware/common/tinsmith_sound.c",
    ];
    let mut all = vec!["-std=gnu17", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"];
    all.extend([
        "-Wno-missing-field-initializers",
        "-DCONFIG_IDF_TARGET_ESP32=1",
        "-Itests/firmware/esp",
        "-Iassets/firmware/esp",
    ]);
    all.extend(options);
    has("gcc").then(|| {
        compile("gcc", &all, &files, &program);
        program
    })
}

/// What a motion sensor's task says from its beginning to 8 s, and its counts: queued, dropped, lost.
fn measured(program: &Path, gone: &str, back: &str) -> (Vec<String>, Vec<i64>) {
    let text = run(program, &["imu", gone, back, "8000"], "");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let counts = lines.pop().unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
    (lines, counts)
}

#[test]
fn a_motion_sensor_that_goes_quiet_is_said_counted_and_set_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = esp_sensors(folder.path(), &[]) else { return };
    let (news, counts) = measured(&program, "90000", "90000");
    assert!(news.is_empty() && counts[0] >= 1592 && counts[1..] == [0, 0], "{news:?} {counts:?}");

    // From 2 s to 5 s: 600 instants, and those until it is looked for the next time.
    let (news, counts) = measured(&program, "2000", "5000");
    assert!(news.len() == 2 && ["29", "30"].contains(&&news[0][..2]) && news[0].contains("quiet"), "{news:?}");
    assert!(news[1].contains("measures again"), "{news:?}");
    assert!((600..=860).contains(&counts[2]) && counts[1] == counts[2], "{counts:?}");
    assert!((counts[0] + counts[2] - 1600).abs() <= 8, "{counts:?}");

    // Dead when it is switched on, and for good: nothing is measured, all but the last second is counted.
    let (news, counts) = measured(&program, "0", "90000");
    assert!(news.len() == 1 && counts[0] == 0 && (1400..=1600).contains(&counts[2]), "{news:?} {counts:?}");
}

#[test]
fn a_file_of_bosch_that_is_too_short_is_refused_by_the_compiler() {
    if !has("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let include = format!("-I{}", folder.path().display());
    let compiles = |bytes: usize| {
        let array = format!("#include <stdint.h>\nstatic const uint8_t bmi270_config_file[{bytes}] = {{0xc8, 0x2e}};\n");
        std::fs::write(folder.path().join("bmi270_config_file.h"), array).unwrap();
        let source = "assets/firmware/esp/tinsmith_esp_imu.c";
        let options = ["-DCONFIG_IDF_TARGET_ESP32=1", "-Itests/firmware/esp", "-Iassets/firmware/common", &include];
        let command = ["-c", "-o", "/dev/null", source];
        Command::new("gcc").args(options).args(command).current_dir(root()).stderr(Stdio::piped()).output().unwrap()
    };
    assert!(compiles(8192).status.success());
    let refused = compiles(328);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("8192 bytes"));
}

#[test]
fn models_that_lead_out_of_themselves_are_known() {
    if !has("g++") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("whole");
    let options = ["-std=gnu++17", "-fsanitize=undefined,address", "-Itests/firmware", "-Iassets/firmware/esp"];
    compile("g++", &options, &["tests/firmware/whole.cc"], &program);
    assert_eq!(run(&program, &[], ""), "");
}

fn graph() -> (Graph, Vec<u8>) {
    let path = root().join("tests/golden/arena/conv8_i8.tflite");
    (formats::import(&path).unwrap().graph, std::fs::read(&path).unwrap())
}

fn project(framework: Framework, features: Option<&FeaturePlan>, has_model: bool) -> Result<Vec<NamedFile>, ExportError> {
    project_called(has_model.then_some("Probe 1"), framework, features)
}

fn project_called(
    name: Option<&str>,
    framework: Framework,
    features: Option<&FeaturePlan>,
) -> Result<Vec<NamedFile>, ExportError> {
    let (graph, tflite) = graph();
    let firmware = Firmware {
        name: name.unwrap_or_default(),
        graph: &graph,
        tflite: &tflite,
        labels: &[],
        golden: &[],
        source_name: "net.tflite",
        source_hash: blake3::hash(&tflite),
        recipe: "",
        features: "",
    };
    board_project(framework, name.map(|_| &firmware), features)
}

/// Six channels, of which a filter changes nothing but their values.
fn filtered() -> FeaturePlan {
    let stages = ["filter:high=20,zero-phase=off".to_owned()];
    FeaturePlan::new(&Pipeline::parse(&stages).unwrap(), 200.0, 6).unwrap()
}

/// One channel, of which a filter changes nothing but its values.
fn filtered_sound(rate_hz: f64) -> FeaturePlan {
    let stages = ["filter:high=3000,zero-phase=off".to_owned()];
    FeaturePlan::new(&Pipeline::parse(&stages).unwrap(), rate_hz, 1).unwrap()
}

fn write(files: &[NamedFile], folder: &Path) {
    for file in files {
        let path = folder.join(&file.name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
}

/// Compiles every source of a project for a chip.
fn compile_project(files: &[NamedFile], chip: &str) {
    let folder = tempfile::tempdir().unwrap();
    write(files, folder.path());
    let tests = root().join("tests/firmware");
    let target = format!("-DCONFIG_IDF_TARGET_{chip}=1");
    let usb = format!("-DCONFIG_TINSMITH_SERIAL_USB={}", u8::from(chip != "ESP32"));
    let cdc = format!("-DARDUINO_USB_CDC_ON_BOOT={}", u8::from(chip != "ESP32"));
    let stand_ins = [format!("-I{}", tests.join("esp").display()), format!("-I{}", tests.display())];
    for file in files {
        let path = folder.path().join(&file.name).display().to_string();
        let (compiler, options): (_, &[&str]) = match file.name.rsplit('.').next() {
            Some("c") => ("gcc", &["-std=gnu17"]),
            Some("cpp") => ("g++", &["-std=gnu++17"]),
            Some("ino") => ("g++", &["-std=gnu++17", "-xc++", "-include", "Arduino.h"]),
            _ => continue,
        };
        let mut all = vec!["-c", "-Wno-missing-field-initializers", &target, &usb, &cdc, &stand_ins[0], &stand_ins[1]];
        all.extend(options);
        compile(compiler, &all, &[&path], &folder.path().join("object.o"));
    }
}

#[test]
fn projects_compile_against_what_they_call() {
    if !has("gcc") || !has("g++") {
        return;
    }
    let filter = filtered();
    for (framework, folder) in [(Framework::EspIdf, "esp-idf/"), (Framework::Arduino, "TinsmithBoard/")] {
        let alone = project(framework, None, false).unwrap();
        let whole = project(framework, Some(&filter), true).unwrap();
        assert_eq!(whole, project(framework, Some(&filter), true).unwrap(), "the same project gives the same bytes");
        assert!(alone.iter().chain(&whole).all(|file| file.name.starts_with(folder)));
        assert!(whole.iter().any(|file| file.name.ends_with("/probe_1_model.c")));
        assert!(!alone.iter().any(|file| file.name.contains("probe")));
        compile_project(&alone, "ESP32");
        for chip in ["ESP32", "ESP32S3", "ESP32C3"] {
            compile_project(&whole, chip);
        }
    }
}

#[test]
fn front_ends_that_do_not_fit_are_refused_in_words() {
    let keyword = preset("keyword").unwrap();
    let spectra = FeaturePlan::new(&keyword, 16_000.0, 1).unwrap();
    let refused = project(Framework::EspIdf, Some(&spectra), true).unwrap_err().to_string();
    let (graph, _) = graph();
    let taken = graph.tensor(graph.inputs[0]).n_elements();
    assert!(refused.contains(&format!("takes {taken} values")) && refused.contains("microphone"), "{refused}");
    let three = FeaturePlan::new(&Pipeline::parse(&["filter:zero-phase=off".to_owned()]).unwrap(), 200.0, 3).unwrap();
    let refused = project(Framework::EspIdf, Some(&three), true).unwrap_err().to_string();
    assert!(refused.contains("takes 3 channels"), "{refused}");
}

#[test]
fn features_for_another_rate_than_the_sensors_are_refused_in_words() {
    for rate_hz in [200.0, 208.0] {
        let motion = FeaturePlan::new(&Pipeline::parse(&["filter:high=20,zero-phase=off".to_owned()]).unwrap(), rate_hz, 6);
        project(Framework::EspIdf, Some(&motion.unwrap()), true).unwrap();
    }
    let refused = project(Framework::EspIdf, Some(&filtered_sound(8000.0)), true).unwrap_err();
    assert_eq!(refused, ExportError::Rate { sensor: "microphone", wanted_hz: 8000.0, given_hz: 16_000.0 });
    assert!(refused.to_string().contains("for 8000 Hz") && refused.to_string().contains("C sources"), "{refused}");
    let slow = FeaturePlan::new(&Pipeline::parse(&["filter:high=20,zero-phase=off".to_owned()]).unwrap(), 100.0, 6).unwrap();
    let refused = project(Framework::Arduino, Some(&slow), true).unwrap_err();
    assert_eq!(refused, ExportError::Rate { sensor: "motion sensor", wanted_hz: 100.0, given_hz: 200.0 });
}

#[test]
fn a_microphone_set_to_another_rate_than_the_features_does_not_compile() {
    if !has("gcc") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(&project(Framework::EspIdf, Some(&filtered_sound(16_000.0)), true).unwrap(), folder.path());
    let source = folder.path().join("esp-idf/main/tinsmith_esp.c");
    let compiles = |rate_hz: u32| {
        let options = ["-fsyntax-only", "-std=gnu17", "-DCONFIG_IDF_TARGET_ESP32=1", "-Itests/firmware", "-Itests/firmware/esp"];
        let rate = format!("-DTINSMITH_SOUND_HZ={rate_hz}");
        Command::new("gcc").args(options).arg(rate).arg(&source).current_dir(root()).output().unwrap()
    };
    let output = compiles(16_000);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let refused = compiles(8000);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("TINSMITH_SOUND_HZ is not the rate"));
}

#[test]
fn a_model_may_be_called_like_the_firmware() {
    let filter = filtered();
    for name in ["tinsmith", "Tinsmith board", "model_tinsmith"] {
        let files = project_called(Some(name), Framework::EspIdf, Some(&filter)).unwrap();
        let glue = files.iter().find(|file| file.name == "esp-idf/main/tinsmith_model.h").unwrap();
        assert!(String::from_utf8_lossy(&glue.bytes).contains("TINSMITH_HAS_FEATURES"), "{name}");
        if has("gcc") && has("g++") {
            compile_project(&files, "ESP32");
        }
    }
}

/// As ESP-IDF does to learn what a component needs, before there is a project.
#[test]
fn cmake_reads_the_component_as_a_script() {
    if !has("cmake") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(&project(Framework::EspIdf, None, false).unwrap(), folder.path());
    let main = folder.path().join("esp-idf/main");
    let script = "function(idf_component_register)\nmessage(STATUS \"${ARGN}\")\nendfunction()\ninclude(CMakeLists.txt)\n";
    std::fs::write(main.join("script.cmake"), script).unwrap();
    let output = Command::new("cmake").args(["-P", "script.cmake"]).current_dir(&main).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("/main.c") && said.contains("/tinsmith_tflm.cpp") && said.contains("esp_driver_i2s"), "{said}");
}
