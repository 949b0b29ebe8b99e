use proptest::prelude::*;

use super::*;

fn read(beginning: Beginning, text: &[u8]) -> (Vec<Vec<f64>>, LineReader) {
    let mut reader = LineReader::new(beginning);
    let mut rows = Vec::new();
    reader.push(text, |row| rows.push(row.to_vec()));
    reader.finish(|row| rows.push(row.to_vec()));
    (rows, reader)
}

#[test]
fn separators_of_every_kind_and_line_ends() {
    for text in ["1,2,-3.5\n4,5,6e1\n", "1\t2\t-3.5\r\n4\t5\t6e1\r\n", "1 2  -3.5\n4 5 6e1", "1; 2; -3.5;\r4; 5; 6e1;\r"] {
        let (rows, reader) = read(Beginning::Line, text.as_bytes());
        assert_eq!(rows, [[1.0, 2.0, -3.5], [4.0, 5.0, 60.0]], "{text:?}");
        assert_eq!(reader.counts(), LineCounts { rows: 2, ..LineCounts::default() });
    }
}

#[test]
fn the_first_line_of_a_port_may_be_cut() {
    let (rows, _) = read(Beginning::Anywhere, b"5,20\n30,40\n50,60\n");
    assert_eq!(rows, [[30.0, 40.0], [50.0, 60.0]]);
}

#[test]
fn headers_and_labels_name_the_columns() {
    let (rows, reader) = read(Beginning::Line, b"time,ax,ay\n1,2,3\n4,5,6\n");
    assert_eq!((rows.len(), reader.names()), (2, &["time", "ax", "ay"].map(str::to_owned)[..]));
    let (rows, reader) = read(Beginning::Line, b"ax:1\tay:2\nax:3\tay:4\n");
    assert_eq!((rows, reader.names()), (vec![vec![1.0, 2.0], vec![3.0, 4.0]], &["ax", "ay"].map(str::to_owned)[..]));
}

#[test]
fn what_is_no_reading_is_counted() {
    let long = "1,".repeat(MAX_LINE);
    let text = format!("hello\n1,2\n3,4\n-,-\n\x1b[2K5,6\x1b[0m\n7,\nnan,1\n7,8,9\n1,2\n{long}\n\x1b]0;title\x079,9\n1,,2\n");
    let (rows, reader) = read(Beginning::Line, text.as_bytes());
    assert_eq!(rows, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [1.0, 2.0], [9.0, 9.0]]);
    let expected = LineCounts { rows: 5, text: 4, columns: 2, too_long: 1, escapes: 3 };
    assert_eq!(reader.counts(), expected);
}

#[test]
fn another_sketch_is_believed_after_some_lines() {
    let (rows, reader) = read(Beginning::Line, b"1,2\n1,2\n1,2,3\n1,2\n1,2,3\n4,5,6\n7,8,9\n1,1,1\n");
    assert_eq!(rows.len(), 3 + 4);
    assert_eq!((reader.columns(), reader.counts().columns), (Some(3), 1));
}

proptest! {
    #[test]
    fn rows_survive_any_cut_of_the_stream(
        rows in proptest::collection::vec(proptest::array::uniform3(-1e6..1e6_f64), 2..20),
        piece in 1..9_usize,
    ) {
        let text: String = rows.iter().map(|[a, b, c]| format!("{a},{b}\t{c}\r\n")).collect();
        let mut reader = LineReader::new(Beginning::Line);
        let mut found = Vec::new();
        text.as_bytes().chunks(piece).for_each(|piece| reader.push(piece, |row| found.push(row.to_vec())));
        prop_assert_eq!(found, rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let (rows, reader) = read(Beginning::Anywhere, &bytes);
        prop_assert_eq!(rows.len() as u64, reader.counts().rows);
        prop_assert!(rows.iter().flatten().all(|value| value.is_finite()));
        let lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).count() as u64;
        prop_assert!(reader.counts().rows + reader.counts().skipped() <= lines);
    }
}
