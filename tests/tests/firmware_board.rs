//! The board core of the firmware, in C: driven by the studio's own connection, and held against the simulated board.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tinsmith::device::simulate::{Board, BoardSettings, SensorSettings, Source};
use tinsmith::device::{Connection, Event, Request};
use tinsmith_core::data::recording::{BoardInfo, Cause, ChannelInfo, Encoding, Kind, SensorInfo, recover};
use tinsmith_runtime::link::{
    self, Decoder, Level, Loaded, MAX_ENCODED, MAX_FRAME, MAX_PAYLOAD, Piece, Report, Stats, Status, content_hash,
};
use tinsmith_tests::binary;
use tinsmith_tests::boards::{check_source, connect_to, record, wait};
use tinsmith_tests::c_code::{CHECKED, compile, has};
use tinsmith_tests::hostile::Mutations;

const FILES: [&str; 6] = [
    "tests/firmware/board.c",
    "assets/firmware/common/tinsmith_board.c",
    "assets/firmware/common/tinsmith_latency.c",
    "assets/firmware/common/tinsmith_link.c",
    "assets/firmware/common/tinsmith_queue.c",
    "assets/firmware/common/tinsmith_watch.c",
];
/// What the program measures, as it says in C.
const SOUND_PERIOD: usize = 31_991;
const MOTION_PERIOD: usize = 997;
const INPUT: usize = 60;
const OUTPUT: usize = 5000;

fn build(folder: &Path, options: &[&str]) -> Option<PathBuf> {
    let program = folder.join("board");
    has("gcc").then(|| {
        compile("gcc", options, &FILES, &program);
        program
    })
}

/// The program behind a terminal, for as long as this lives.
struct Running {
    child: Child,
    port: PathBuf,
    _folder: tempfile::TempDir,
}

impl Running {
    /// Its sensors and its link are threads: races between them end it.
    fn start(words: [&str; 3]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let program = build(folder.path(), &["-std=c99", "-O1", "-fsanitize=thread"])?;
        let mut child = Command::new(program)
            .arg("pty")
            .args(words)
            .env("TSAN_OPTIONS", "halt_on_error=1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { child, port: PathBuf::from(line.trim_end()), _folder: folder })
    }

    fn check_it_runs(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the board crashed");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn channel(name: &str, unit: &str, step: f32) -> ChannelInfo {
    ChannelInfo { name: name.to_owned(), unit: unit.to_owned(), step }
}

fn sensor(id: u8, name: &str, kind: Kind, rate_hz: f64, channels: Vec<ChannelInfo>) -> SensorInfo {
    SensorInfo { id, name: name.to_owned(), kind, rate_hz, encoding: Encoding::I16, channels }
}

/// Its sensors, and what they measure.
fn sensors() -> [SensorSettings; 2] {
    let bytes = |n: usize, values: &dyn Fn(i64) -> Vec<i64>| {
        let all = (0..n as i64).flat_map(values);
        Source::Table(all.flat_map(|value| (value as i16).to_le_bytes()).collect())
    };
    let tone = bytes(SOUND_PERIOD, &|index| vec![2 * index - SOUND_PERIOD as i64]);
    let motion = bytes(MOTION_PERIOD, &|index| (1..=6).map(|channel| index * channel % 251 - 125).collect());
    let axes = ["ax", "ay", "az"].map(|name| channel(name, "m/s2", 0.5)).into_iter();
    let axes = axes.chain(["gx", "gy", "gz"].map(|name| channel(name, "deg/s", 0.125)));
    let sound = vec![channel("sound", "full scale", 1.0 / 32768.0)];
    [
        SensorSettings { info: sensor(1, "audio", Kind::Audio, 16_000.0, sound), source: tone },
        SensorSettings { info: sensor(2, "imu", Kind::Imu, 200.0, axes.collect()), source: motion },
    ]
}

/// What its model computes.
fn computed(input: &[u8], factor: u8) -> Vec<u8> {
    (0..OUTPUT).map(|i| input[i % INPUT].wrapping_mul(factor).wrapping_add(i as u8)).collect()
}

/// What it says of its model.
fn about(file: &[u8], front_end: Option<u8>) -> Loaded {
    let (input_bytes, output_bytes) = (INPUT as u32, OUTPUT as u32);
    Loaded { hash: content_hash(file), input_bytes, output_bytes, arena_bytes: 1234, front_end }
}

fn result(event: &Event) -> Option<(u32, Status, u64, Vec<u8>)> {
    match event {
        Event::Result { request, status, time_us, output, .. } => Some((*request, *status, *time_us, output.clone())),
        _ => None,
    }
}

fn load(connection: &Connection, file: &[u8]) -> Status {
    connection.ask(Request::Load(file.into()));
    wait(connection, |event| if let Event::Loaded(status) = event { Some(*status) } else { None })
}

/// What the model takes of these real numbers.
fn integers(reals: impl Iterator<Item = f32>) -> Vec<u8> {
    reals.map(|real| ((real / 0.5).round() as i32 + 3).clamp(-128, 127) as i8 as u8).collect()
}

/// The next window of the motion sensor: its first instant, when its output is what the model computes of ten in a row.
fn motion_window(connection: &Connection, factor: u8) -> u64 {
    let [_, motion] = sensors();
    let (request, status, time_us, output) = wait(connection, result);
    assert_eq!((request, status), (0, Status::Done));
    let first = (time_us as f64 * 0.0002).round() as u64;
    let mut bytes = Vec::new();
    (first..first + 10).for_each(|index| motion.source.write(index, 12, &mut bytes));
    let steps = motion.info.channels.iter().map(|channel| channel.step).cycle();
    let reals = motion.info.encoding.values(&bytes).zip(steps).map(|(value, step)| value * step);
    assert_eq!(output, computed(&integers(reals), factor), "window at {first}");
    first
}

fn open(board: &Running) -> (Connection, BoardInfo, Option<Loaded>) {
    let port = board.port.display().to_string();
    let connection = Connection::open(tinsmith::device::ConnectionSettings::new(port));
    let (info, model) = wait(&connection, |event| match event {
        Event::Connected { board, model, .. } => Some((board.clone(), *model)),
        _ => None,
    });
    (connection, info, model)
}

fn stats(connection: &Connection, reset: bool) -> Stats {
    connection.ask(Request::GetStats(reset));
    wait(connection, |event| if let Event::Stats(stats) = event { Some(*stats) } else { None })
}

#[test]
fn two_sensors_are_recorded_without_a_gap() {
    let Some(mut board) = Running::start(["3", "1024", "0"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (connection, info, _) = open(&board);
    let described: Vec<SensorInfo> = sensors().into_iter().map(|sensor| sensor.info).collect();
    assert_eq!((info.name.as_str(), &info.sensors), ("Board", &described));
    let (clips, away) = record(&connection, folder.path(), 30.0);
    assert_eq!(away, 0);
    let figures: Vec<_> = clips.iter().map(|clip| (clip.sensor.as_str(), clip.instants, clip.gaps, clip.missing)).collect();
    assert_eq!(figures, [("audio", 480_000, 0, 0), ("imu", 6000, 0, 0)]);
    for (clip, sensor) in clips.iter().zip(sensors()) {
        check_source(&recover(&clip.path).unwrap(), &sensor.source, &clip.sensor);
    }
    assert_eq!(stats(&connection, false).dropped, 0);
    board.check_it_runs();
}

#[test]
fn a_slow_link_drops_instants_and_each_of_them_is_counted() {
    // Half of what the microphone makes.
    let Some(mut board) = Running::start(["3", "8", "18000"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let connection = connect_to(&board.port);
    let (clips, _) = record(&connection, folder.path(), 10.0);
    for (clip, sensor) in clips.iter().zip(sensors()) {
        let recording = recover(&clip.path).unwrap();
        check_source(&recording, &sensor.source, &clip.sensor);
        assert!(recording.clip.gaps.iter().all(|gap| gap.cause == Cause::Board), "{:?}", recording.clip.gaps);
    }
    let missing: u64 = clips.iter().map(|clip| clip.missing).sum();
    // The sensors outlast the recording. One that is switched off may be in the middle of what was due.
    connection.ask(Request::Stop(link::ALL_SENSORS));
    let mut before = stats(&connection, false).dropped;
    let settled = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(50));
        let now = stats(&connection, false).dropped;
        now == std::mem::replace(&mut before, now)
    });
    assert!(settled.take(100).any(|is_same| is_same), "it goes on losing");
    let dropped = u64::from(stats(&connection, true).dropped);
    assert!(missing > 40_000 && dropped >= missing, "{missing} missing, {dropped} dropped");
    assert_eq!(stats(&connection, false).dropped, 0);
    board.check_it_runs();
}

#[test]
fn models_run_are_watched_and_are_replaced() {
    let Some(mut board) = Running::start(["1", "64", "0"]) else { return };
    let (connection, _, model) = open(&board);
    assert_eq!(model, Some(about(b"....TFL3\x03", Some(1))));
    connection.ask(Request::GetStats(false));
    let note = |event: &Event| if let Event::Log(level, text) = event { Some((*level, text.clone())) } else { None };
    assert_eq!(wait(&connection, note), (Level::Note, "a note of the board".to_owned()));

    let infer = |input: &[u8]| {
        connection.ask(Request::Infer(9, input.to_vec()));
        let (request, status, _, output) = wait(&connection, result);
        assert_eq!(request, 9);
        (status, output)
    };
    let input: Vec<u8> = (0..INPUT).map(|i| (i * 37) as u8).collect();
    assert_eq!(infer(&input), (Status::Done, computed(&input, 3)));
    assert_eq!(infer(&input[..7]), (Status::Length, Vec::new()));

    assert_eq!(load(&connection, b"TINS, and no model of TensorFlow's"), Status::Model);
    assert_eq!(load(&connection, b"....TFL3, but too long"), Status::Model);
    assert_eq!(infer(&input), (Status::Done, computed(&input, 3)), "the old model stays");
    assert_eq!(load(&connection, b"....TFL3\x05"), Status::Done);
    assert_eq!(infer(&input), (Status::Done, computed(&input, 5)));

    // Ten instants of the motion sensor are an input; a new one every seven.
    connection.ask(Request::Watch(Some((2, 7))));
    connection.ask(Request::Start(2));
    let mut before = None;
    for _ in 0..40 {
        let first = motion_window(&connection, 5);
        assert!(before.replace(first).is_none_or(|before| first - before == 7), "{before:?}, {first}");
    }
    connection.ask(Request::Watch(None));
    let figures = stats(&connection, false);
    assert!(figures.inferences >= 41 && figures.p50_us <= figures.p99_us && figures.p99_us <= figures.max_us, "{figures:?}");
    // What the link had no room for in this fast time is another test's matter.
    assert_eq!((figures.arena_bytes, figures.free_heap_bytes), (1234, 512 << 10));
    board.check_it_runs();
}

#[test]
fn no_window_spans_a_pause_and_stopping_all_ends_the_watch() {
    let Some(mut board) = Running::start(["1", "64", "0"]) else { return };
    let (connection, ..) = open(&board);
    connection.ask(Request::Watch(Some((2, 7))));
    // Some begin in the middle of what a window takes.
    for _ in 0..6 {
        connection.ask(Request::Start(2));
        (0..3).for_each(|_| _ = motion_window(&connection, 3));
        connection.ask(Request::Stop(2));
        stats(&connection, false);
        std::thread::sleep(Duration::from_millis(120));
    }
    connection.ask(Request::Stop(link::ALL_SENSORS));
    let before = stats(&connection, false).inferences;
    connection.ask(Request::Start(2));
    wait(&connection, |event| if let Event::Samples { sensor: 2, .. } = event { Some(()) } else { None });
    assert_runs_no_more(&connection, before);
    board.check_it_runs();
}

/// The board has run its model so often, and does not again however long it measures.
fn assert_runs_no_more(connection: &Connection, before: u32) {
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stats(connection, false).inferences, before);
}

#[test]
fn a_front_end_feeds_the_model_that_it_was_made_for_and_no_other() {
    let Some(mut board) = Running::start(["1", "64", "0"]) else { return };
    let (connection, _, model) = open(&board);
    assert_eq!(model.and_then(|model| model.front_end), Some(1));
    connection.ask(Request::Start(1));
    // What the model is given from an instant on, of which `at` says where.
    let check = |factor: u8, at: &dyn Fn(u64) -> u64| {
        let (_, status, time_us, output) = wait(&connection, result);
        let first = (time_us as f64 * 0.016).round() as u64;
        let values = (0..INPUT as u64).map(|i| ((first + at(i)) % SOUND_PERIOD as u64) as f32 * 2.0 - SOUND_PERIOD as f32);
        let scale = if factor == 3 { 1.0 / 64.0 } else { 1.0 / 32768.0 };
        assert_eq!((status, output), (Status::Done, computed(&integers(values.map(|value| value * scale)), factor)));
    };
    // Three times twenty values, 160 instants apart.
    connection.ask(Request::Watch(Some((1, 160))));
    (0..5).for_each(|_| check(3, &|i| i / 20 * 160 + i % 20));
    connection.ask(Request::Watch(None));

    assert_eq!(load(&connection, b"....TFL3\x05"), Status::Done);
    let note = |event: &Event| match event {
        Event::Log(Level::Warning, text) => Some(text.clone()),
        Event::Result { .. } => Some("nothing before the first result".to_owned()),
        _ => None,
    };
    connection.ask(Request::Watch(Some((1, 1600))));
    assert!(wait(&connection, note).contains("model that was flashed"));
    (0..5).for_each(|_| check(5, &|i| i));
    drop(connection);
    let (connection, _, model) = open(&board);
    assert_eq!(model, Some(about(b"....TFL3\x05", None)));

    // The first has its front end again.
    assert_eq!(load(&connection, b"....TFL3\x03"), Status::Done);
    drop(connection);
    assert_eq!(open(&board).2, Some(about(b"....TFL3\x03", Some(1))));
    board.check_it_runs();
}

#[test]
fn the_command_that_watches_finds_the_front_end() {
    let Some(mut board) = Running::start(["1", "64", "0"]) else { return };
    let watch = ["device", "watch", &board.port.display().to_string(), "--stride", "50", "--seconds", "2", "--json"];
    let output = Command::new(binary()).args(watch).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["sensor"], &told["front_end"], &told["stride_instants"]), (&"audio".into(), &true.into(), &800.into()));
    let results = told["results"].as_array().unwrap();
    let times: Vec<f64> = results.iter().filter_map(|result| result["time_s"].as_f64()).collect();
    assert!(times.len() >= 20 && times.windows(2).all(|pair| (pair[1] - pair[0] - 0.05).abs() < 1e-3), "{times:?}");
    // It was switched off again.
    let (connection, ..) = open(&board);
    assert_runs_no_more(&connection, stats(&connection, false).inferences);
    board.check_it_runs();
}

#[test]
fn a_model_that_is_not_run_leaves_nothing_behind() {
    let Some(mut board) = Running::start(["1", "64", "0"]) else { return };
    let (connection, ..) = open(&board);
    assert_eq!(load(&connection, b"....TFL3, but too long"), Status::Model);
    assert_eq!(stats(&connection, false).free_heap_bytes, 512 << 10);
    board.check_it_runs();
}

/// Commands that no time and no model take part in.
fn commands() -> Vec<link::Command<'static>> {
    use link::Command::{Activate, GetStats, Identify, Infer, Load, Start, Stop, Watch};
    let piece = |total, offset, bytes| Piece { total, offset, bytes };
    let file = b"no model at all";
    vec![
        Identify,
        GetStats { reset: true },
        Start { sensor: 9, rate_mhz: 0 },
        Start { sensor: 2, rate_mhz: 100_000 },
        Start { sensor: 2, rate_mhz: 200_000 },
        Stop { sensor: 2 },
        Stop { sensor: 9 },
        Stop { sensor: 255 },
        Watch { on: true, sensor: 9, stride: 1 },
        Watch { on: true, sensor: 2, stride: 1 },
        Watch { on: false, sensor: 9, stride: 1 },
        Infer { request: 1, input: piece(4, 0, b"1234") },
        Load(piece(200_000, 0, b"too long")),
        Load(piece(15, 3, b"out of order")),
        Load(piece(15, 0, &file[..9])),
        Load(piece(15, 4, b"not the next")),
        Load(piece(14, 9, b"other")),
        Load(piece(15, 9, &file[9..])),
        Load(piece(15, 9, &file[9..])),
        Activate { hash: content_hash(file) },
        Activate { hash: content_hash(file) },
        GetStats { reset: false },
    ]
}

fn encoded(commands: &[link::Command<'_>]) -> Vec<u8> {
    let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
    let mut stream = Vec::new();
    for (sequence, command) in commands.iter().enumerate() {
        let len = command.encode(sequence as u16 + 500, &mut scratch, &mut out).unwrap();
        stream.extend(&out[..len]);
    }
    stream
}

/// What a stream of reports says, one line each. The names of firmware differ, and statistics a board does not have are told apart.
fn said(stream: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(vec![0; MAX_FRAME]);
    let mut lines = Vec::new();
    for &byte in stream {
        let Some(frame) = decoder.push(byte) else { continue };
        let frame = frame.expect("boards send no bad frames");
        let report = Report::decode(&frame).expect("boards send only reports");
        let text = match report {
            Report::Hello { protocol, number, board, sensors, model, .. } => {
                format!("Hello {protocol} {number} {board} {sensors:?} {model:?}")
            }
            report => format!("{report:?}"),
        };
        lines.push(format!("{} {text}", frame.sequence));
    }
    lines
}

/// What the simulated board says.
fn simulated(stream: &[u8]) -> Vec<String> {
    let settings = BoardSettings {
        id: "board".to_owned(),
        name: "Board".to_owned(),
        number: 7,
        flash_bytes: 100_000,
        ram_bytes: 512 << 10,
        sensors: sensors().into(),
        model: None,
    };
    let mut board = Board::new(settings).unwrap();
    // As long frames as the firmware takes.
    let mut decoder = Decoder::new(vec![0; 2048]);
    for &byte in stream {
        if let Some(Ok(frame)) = decoder.push(byte) {
            board.command(&frame, 0);
        }
    }
    said(&board.said().concat())
}

fn in_c(program: &Path, stream: &[u8]) -> Vec<String> {
    let mut child = Command::new(program).arg("stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stream = stream.to_vec();
    let feed = std::thread::spawn(move || stdin.write_all(&stream));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap().unwrap();
    assert!(output.status.success());
    said(&output.stdout)
}

#[test]
fn it_answers_what_the_simulated_board_answers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = build(folder.path(), &CHECKED) else { return };
    let clean = encoded(&commands());
    let answers = simulated(&clean);
    assert_eq!(answers.len(), commands().len());
    assert_eq!(in_c(&program, &clean), answers);
    let damaged: Vec<u8> = Mutations::new(&clean, 5).take(300).flatten().collect();
    let answers = simulated(&damaged);
    assert!(answers.len() > 1000, "{}", answers.len());
    let found = in_c(&program, &damaged);
    let difference = answers.iter().zip(&found).find(|(a, b)| a != b);
    assert!(found == answers, "{difference:?}");
}
