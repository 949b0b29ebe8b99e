extern crate std;

use std::vec::Vec;

use super::*;

/// Marsaglia's xorshift.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes of which one in `zeros` is zero.
    fn bytes(&mut self, len: usize, zeros: u64) -> Vec<u8> {
        (0..len).map(|_| if self.next().is_multiple_of(zeros) { 0 } else { self.next() as u8 }).collect()
    }
}

fn encoded(kind: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = [0; MAX_ENCODED];
    let len = encode_frame(kind, sequence, payload, &mut out).unwrap();
    out[..len].to_vec()
}

/// What comes out of a decoder: kind, sequence and payload of each frame.
fn decoded(bytes: &[u8]) -> (Vec<(u8, u16, Vec<u8>)>, BadFrames) {
    let mut decoder = Decoder::new([0; MAX_FRAME]);
    let mut frames = Vec::new();
    for &byte in bytes {
        if let Some(Ok(frame)) = decoder.push(byte) {
            frames.push((frame.kind, frame.sequence, frame.payload.to_vec()));
        }
    }
    (frames, decoder.bad())
}

#[test]
fn the_crc_is_the_one_of_the_catalogue() {
    assert_eq!(crc16(b"123456789"), 0x906e);
    assert_eq!(content_hash(b"a"), 0xaf63_dc4c_8601_ec8c_u64.to_le_bytes());
}

#[test]
fn every_length_comes_back() {
    let mut noise = Noise(88_172_645_463_325_252);
    let lengths = (0..600).chain([1000, MAX_PAYLOAD - 1, MAX_PAYLOAD]);
    for len in lengths {
        for zeros in [1, 3, 300, u64::MAX] {
            let payload = noise.bytes(len, zeros);
            let bytes = encoded(7, len as u16, &payload);
            assert_eq!(bytes.iter().position(|byte| *byte == 0), Some(bytes.len() - 1));
            assert!(bytes.len() <= encoded_len(len + FRAME_OVERHEAD));
            assert_eq!(decoded(&bytes), (Vec::from([(7, len as u16, payload)]), BadFrames::default()), "{len}");
        }
    }
}

#[test]
fn a_damaged_frame_costs_itself_alone() {
    let mut noise = Noise(2_463_534_242);
    for _ in 0..2000 {
        let payloads: Vec<Vec<u8>> = (0..3).map(|_| noise.bytes(1 + (noise.0 % 400) as usize, 4)).collect();
        let frames: Vec<Vec<u8>> = payloads.iter().enumerate().map(|(i, p)| encoded(1, i as u16, p)).collect();
        let mut bytes = frames.concat();
        let at = frames[0].len() + (noise.next() % frames[1].len() as u64) as usize;
        bytes[at] ^= 1 << (noise.next() % 8);
        let (found, bad) = decoded(&bytes);
        // Damage to the zero at its end takes the next one with it.
        let merged = at + 1 == frames[0].len() + frames[1].len();
        assert_eq!(found.first().map(|frame| &frame.2), Some(&payloads[0]));
        assert_eq!(found.last().map(|frame| &frame.2), Some(if merged { &payloads[0] } else { &payloads[2] }));
        assert!(found.iter().all(|frame| payloads[usize::from(frame.1)] == frame.2), "a damaged frame was taken");
        assert!((1..=2).contains(&bad.total()), "{bad:?}");
    }
}

#[test]
fn bad_frames_are_counted_by_kind() {
    let mut good = encoded(2, 9, &[1, 2, 3]);
    assert!(matches!(encode_frame(1, 1, &[0; MAX_PAYLOAD + 1], &mut [0; 2 * MAX_ENCODED]), Err(EncodeError::Payload)));
    assert!(matches!(encode_frame(1, 1, &[1; 20], &mut [0; 20]), Err(EncodeError::Room)));

    // More than the payload of any frame, in full blocks, as another program might send it.
    let mut long = Vec::from([255; 4200]);
    long.push(0);
    let small = |bytes: &[u8]| {
        let mut buffer = [0; 8];
        let mut decoder = Decoder::new(&mut buffer[..]);
        let frames = bytes.iter().filter(|byte| matches!(decoder.push(**byte), Some(Ok(_)))).count();
        (frames, decoder.bad())
    };
    assert_eq!(decoded(&long).1, BadFrames { too_long: 1, ..BadFrames::default() });
    assert_eq!(small(&good), (1, BadFrames::default()));
    assert_eq!(small(&encoded(2, 9, &[1; 4])), (0, BadFrames { too_long: 1, ..BadFrames::default() }));
    assert_eq!(decoded(&[5, 1, 0]).1, BadFrames { malformed: 1, ..BadFrames::default() });
    assert_eq!(decoded(&[1, 1, 0, 0, 0]).1, BadFrames { malformed: 1, ..BadFrames::default() });
    good[1] ^= 1;
    assert_eq!(decoded(&good).1, BadFrames { crc: 1, ..BadFrames::default() });
}

#[test]
fn messages_come_back_and_cut_ones_are_refused() {
    let axes = [Channel { name: "ax", unit: "m/s2", step: 0.5 }, Channel { name: "ay", unit: "", step: 1.0 }];
    let sensors = [
        Sensor { id: 1, kind: SensorKind::Imu, rate_mhz: 200_000, format: Format::I16, channels: List::new(&axes) },
        Sensor { id: 2, kind: SensorKind::Audio, rate_mhz: 16_000_000, format: Format::F32, channels: List::new(&axes[..1]) },
    ];
    let piece = Piece { total: 12, offset: 3, bytes: &[1, 0, 2] };
    let model = Some(Loaded { hash: [8; 8], input_bytes: 490, output_bytes: 12, arena_bytes: 20_000, front_end: None });
    let fed = model.map(|model| Loaded { front_end: Some(2), ..model });
    let hello = |model| Report::Hello {
        protocol: PROTOCOL,
        number: 77,
        board: "ESP32",
        firmware: "1.2",
        sensors: List::new(&sensors),
        model,
    };
    let reports = [
        hello(model),
        hello(fed),
        hello(None),
        Report::Samples { sensor: 1, time_us: u64::MAX, dropped: 3, instants: &[0, 1, 2, 3] },
        Report::Result { request: 4, status: Status::Done, latency_us: 900, time_us: 5, output: piece },
        Report::Stats(Stats { inferences: 3, dropped: 9, ..Stats::default() }),
        Report::Log { level: Level::Warning, text: "µ" },
        Report::Ack { sequence: 65_535, status: Status::Offset, held: 4 },
    ];
    let commands = [
        Command::Identify,
        Command::Start { sensor: 1, rate_mhz: 0 },
        Command::Stop { sensor: ALL_SENSORS },
        Command::Infer { request: 1, input: piece },
        Command::Watch { on: true, sensor: 2, stride: 100 },
        Command::GetStats { reset: true },
        Command::Load(piece),
        Command::Activate { hash: [3; 8] },
    ];
    let (mut scratch, mut out) = ([0; MAX_PAYLOAD], [0; MAX_ENCODED]);
    let mut refused = 0;
    for report in reports {
        let len = report.encode(3, &mut scratch, &mut out).unwrap();
        let (kind, sequence, payload) = decoded(&out[..len]).0.remove(0);
        let frame = |payload| Frame { kind, sequence, payload };
        assert_eq!(Report::decode(&frame(&payload[..])), Ok(report));
        refused += (0..payload.len()).filter(|len| Report::decode(&frame(&payload[..*len])).is_err()).count();
        assert!(Command::decode(&frame(&payload[..])).is_err());
    }
    for command in commands {
        let len = command.encode(3, &mut scratch, &mut out).unwrap();
        let (kind, sequence, payload) = decoded(&out[..len]).0.remove(0);
        let frame = |payload| Frame { kind, sequence, payload };
        assert_eq!(Command::decode(&frame(&payload[..])), Ok(command));
        let longer = [&payload[..], &[0; 10]].concat();
        refused += usize::from(Command::decode(&frame(&longer[..])).is_err());
    }
    assert!(refused > 150, "only {refused}");
}

#[test]
fn any_bytes_are_a_message_or_an_error() {
    let mut noise = Noise(123_456_789);
    let mut accepted = 0;
    for _ in 0..200_000 {
        let len = (noise.next() % 60) as usize;
        let payload = noise.bytes(len, 2);
        let kind = (noise.next() % 8) as u8 | (noise.next() as u8 & 0x80);
        let frame = Frame { kind, sequence: 0, payload: &payload };
        if let Ok(Report::Hello { sensors, .. }) = Report::decode(&frame) {
            accepted += sensors.iter().map(|sensor| sensor.channels.iter().count()).sum::<usize>();
        }
        accepted += usize::from(Command::decode(&frame).is_ok());
    }
    assert!(accepted > 0);
}
