//! The device link in C, for firmware, against the one in Rust: the same bytes out, the same frames, commands and counts in.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tinsmith_runtime::link::{
    self, BadFrames, Channel, Decoder, Format, Level, List, Loaded, MAX_ENCODED, MAX_FRAME, MAX_PAYLOAD, PROTOCOL, Piece, Report,
    Sensor, SensorKind, Stats, Status, encode_frame,
};
use tinsmith_tests::c_code::{CHECKED, common, compile, has};
use tinsmith_tests::hostile::Mutations;

const LINK: &str = "assets/firmware/common/tinsmith_link.c";

/// The test program, built as C99 with every undefined behaviour caught.
fn program(folder: &Path) -> Option<PathBuf> {
    let program = folder.join("link");
    has("gcc").then(|| {
        compile("gcc", &CHECKED, &[LINK, "tests/firmware/link.c"], &program);
        program
    })
}

fn run(program: &Path, words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new(program).args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it was just built");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feed = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    feed.join().expect("no panic").expect("all is read");
    assert!(output.status.success(), "{words:?}");
    output.stdout
}

/// Kind, sequence and payload of frames that no two are alike.
fn frames(n: u32) -> Vec<(u8, u16, Vec<u8>)> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 8
    };
    let mut frame = |i: u32| {
        let len = match i % 4 {
            0 => next() % 30,
            1 => 250 + next() % 10,
            2 => next() % 1000,
            _ => MAX_PAYLOAD as u64 - next() % 3,
        };
        let zeros = 1 + next() % 300;
        // Half of them commands.
        let kind = if i.is_multiple_of(2) { 0x80 + (next() % 10) as u8 } else { next() as u8 };
        let payload = (0..len).map(|_| if next().is_multiple_of(zeros) { 0 } else { next() as u8 }).collect();
        (kind, next() as u16, payload)
    };
    (0..n).map(&mut frame).collect()
}

fn encoded(frames: &[(u8, u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0; MAX_ENCODED];
    let mut stream = Vec::new();
    for (kind, sequence, payload) in frames {
        let len = encode_frame(*kind, *sequence, payload, &mut out).unwrap();
        stream.extend(&out[..len]);
    }
    stream
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the C program prints of a command.
fn command_line(command: &link::Command<'_>) -> String {
    let mut fields = [0_u64; 10];
    let mut bytes: &[u8] = &[];
    let piece = |fields: &mut [u64; 10], piece: &Piece<'_>| (fields[7], fields[8]) = (piece.total.into(), piece.offset.into());
    match command {
        link::Command::Identify => fields[0] = 0x81,
        link::Command::Start { sensor, rate_mhz } => {
            (fields[0], fields[1], fields[4]) = (0x82, (*sensor).into(), (*rate_mhz).into());
        }
        link::Command::Stop { sensor } => (fields[0], fields[1]) = (0x83, (*sensor).into()),
        link::Command::Infer { request, input } => {
            (fields[0], fields[6], bytes) = (0x84, (*request).into(), input.bytes);
            piece(&mut fields, input);
        }
        link::Command::Watch { on, sensor, stride } => {
            (fields[0], fields[1], fields[2], fields[5]) = (0x85, (*sensor).into(), (*on).into(), (*stride).into());
        }
        link::Command::GetStats { reset } => (fields[0], fields[3]) = (0x86, (*reset).into()),
        link::Command::Load(part) => {
            (fields[0], bytes) = (0x87, part.bytes);
            piece(&mut fields, part);
        }
        link::Command::Activate { hash } => (fields[0], fields[9]) = (0x88, u64::from_le_bytes(*hash)),
    }
    format!(" {} {}", fields.map(|field| field.to_string()).join(" "), hex(bytes))
}

/// What the C program prints of a stream.
fn decoded(stream: &[u8], size: usize) -> String {
    let mut decoder = Decoder::new(vec![0; size]);
    let mut text = String::new();
    for &byte in stream {
        match decoder.push(byte) {
            None => {}
            Some(Err(_)) => text.push_str("bad\n"),
            Some(Ok(frame)) => {
                let command = link::Command::decode(&frame).map_or_else(|_| " -".to_owned(), |command| command_line(&command));
                writeln!(text, "{} {} {}{command}", frame.kind, frame.sequence, hex(frame.payload)).unwrap();
            }
        }
    }
    let BadFrames { crc, too_long, malformed } = decoder.bad();
    writeln!(text, "{crc} {too_long} {malformed}").unwrap();
    text
}

#[test]
fn c_and_rust_encode_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let frames = frames(400);
    let record = |(kind, sequence, payload): &(u8, u16, Vec<u8>)| {
        [&[*kind][..], &sequence.to_le_bytes(), &(payload.len() as u16).to_le_bytes(), payload].concat()
    };
    let records: Vec<u8> = frames.iter().flat_map(record).collect();
    assert!(run(&program, &["encode"], &records) == encoded(&frames), "the C link encodes other bytes");
}

#[test]
fn c_and_rust_decode_the_same_frames_and_count_the_same_damage() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let clean = encoded(&frames(60));
    let short: Vec<_> = frames(200).into_iter().filter(|frame| frame.2.len() < 40).collect();
    let damaged: Vec<u8> = Mutations::new(&clean, 3).take(40).flatten().collect();
    let damaged_commands: Vec<u8> = Mutations::new(&encoded(&short), 4).take(400).flatten().collect();
    for stream in [clean, damaged, damaged_commands] {
        for size in [MAX_FRAME, 64] {
            let expected = decoded(&stream, size);
            assert!(expected.lines().count() > 20);
            let found = String::from_utf8(run(&program, &["decode", &size.to_string()], &stream)).unwrap();
            let difference = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
            assert!(found == expected, "with a buffer of {size} bytes, line {difference:?} differs");
        }
    }
}

#[test]
fn c_and_rust_write_the_same_reports() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = program(folder.path()) else { return };
    let channels = [Channel { name: "ax", unit: "m/s2", step: 0.5 }, Channel { name: "ay", unit: "", step: 1.0 }];
    let channels = List::new(&channels);
    let sensors = [Sensor { id: 1, kind: SensorKind::Imu, rate_mhz: 200_000, format: Format::I16, channels }];
    let hash = [1, 2, 3, 4, 5, 6, 7, 8];
    let model = Some(Loaded { hash, input_bytes: 490, output_bytes: 12, arena_bytes: 20_000, front_end: Some(1) });
    let bytes = &[0, 1, 0, 255];
    let stats = Stats {
        inferences: 1,
        mean_us: 2,
        p50_us: 3,
        p95_us: 4,
        p99_us: 5,
        max_us: 6,
        arena_bytes: 7,
        free_heap_bytes: 8,
        dropped: 9,
    };
    let sensors = List::new(&sensors);
    let output = Piece { total: 12, offset: 3, bytes };
    let reports = [
        Report::Hello { protocol: PROTOCOL, number: 77, board: "ESP32", firmware: "1.2", sensors, model },
        Report::Samples { sensor: 1, time_us: 0xff_ffff_ffff, dropped: 3, instants: bytes },
        Report::Result { request: 4, status: Status::Done, latency_us: 900, time_us: 5, output },
        Report::Stats(stats),
        Report::Log { level: Level::Warning, text: "hot" },
        Report::Ack { sequence: 65_535, status: Status::Offset, held: 4 },
    ];
    let (mut scratch, mut out) = (vec![0; MAX_PAYLOAD], vec![0; MAX_ENCODED]);
    let mut expected = Vec::new();
    for (sequence, report) in reports.iter().enumerate() {
        let len = report.encode(sequence as u16, &mut scratch, &mut out).unwrap();
        expected.extend(&out[..len]);
    }
    assert_eq!(hex(&run(&program, &["reports"], &[])), hex(&expected));
}

#[test]
fn the_c_that_boards_share_compiles_for_their_processors() {
    let folder = tempfile::tempdir().unwrap();
    let object = folder.path().join("shared.o");
    let picolibc: &[&str] = &["--specs=picolibc.specs", "-std=c99", "-march=rv32imc", "-mabi=ilp32", "-Os", "-c"];
    let targets: [(&str, &[&str]); 3] = [
        // The ESP32-C3's instruction set.
        ("riscv64-unknown-elf-gcc", picolibc),
        ("arm-none-eabi-gcc", &["-std=c99", "-mcpu=cortex-m4", "-mthumb", "-Os", "-c"]),
        ("xtensa-esp32-elf-gcc", &["-std=c99", "-Os", "-c"]),
    ];
    let sources = std::fs::read_dir(common()).unwrap().map(|entry| entry.unwrap().path());
    let sources: Vec<String> =
        sources.filter(|path| path.extension().is_some_and(|e| e == "c")).map(|path| path.display().to_string()).collect();
    assert!(sources.len() >= 7, "{sources:?}");
    for (compiler, options) in targets {
        for source in sources.iter().filter(|_| has(compiler)) {
            compile(compiler, options, &[source], &object);
        }
    }
    if has("g++") {
        compile("g++", &["-x", "c++", "-std=c++11", "-c"], &[LINK], &object);
    }
}
