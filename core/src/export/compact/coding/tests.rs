use proptest::prelude::*;
use tinsmith_runtime::model::coding::Weights;

use super::entropy::code_lengths;
use super::*;

/// The values that coded weights stand for, decoded a channel at a time into no more room than they ask for.
pub(in crate::export::compact) fn decoded(bytes: &[u8], channels: usize, channel_len: usize) -> Vec<i8> {
    let weights = Weights::new(bytes, channels, channel_len).expect("it can be read");
    weights.check().expect("it is whole");
    let mut room = vec![0; weights.workspace_bytes()];
    let mut decoder = weights.decoder().expect("it can be read");
    (0..channels).flat_map(|_| decoder.channel(&mut room).to_vec()).collect()
}

/// Every coding that holds the values gives them back. Returns those that do.
fn round_trips(values: &[i8], channel_len: usize) -> Vec<Encoding> {
    let census = Census::of(values);
    let raw = Coded { encoding: Encoding::Raw, bytes: fixed::raw(values) };
    let others = FIXED.iter().chain(&ENTROPY).filter_map(|encode| encode(values, channel_len, &census));
    let all: Vec<Coded> = [raw].into_iter().chain(others).collect();
    for Coded { encoding, bytes } in &all {
        let back = decoded(bytes, values.len() / channel_len, channel_len);
        assert!(back == values, "{encoding}: {values:?} came back as {back:?}");
        // Neither a byte less nor one more is taken for whole.
        let (channels, longer) = (values.len() / channel_len, [&bytes[..], &[0]].concat());
        for wrong in [&bytes[..bytes.len() - 1], &longer] {
            let accepted = Weights::new(wrong, channels, channel_len).is_ok_and(|weights| weights.check().is_ok());
            assert!(!accepted, "{encoding} with {} bytes rather than {}", wrong.len(), bytes.len());
        }
    }
    let shortest = encode(values, channel_len, Coding::Entropy);
    assert_eq!(Some(shortest.bytes.len()), all.iter().map(|coded| coded.bytes.len()).min());
    all.into_iter().map(|coded| coded.encoding).collect()
}

/// Values out of a list, of which the first is drawn more often, as `[channels, channel_len]`.
fn drawn(list: Vec<i8>) -> impl Strategy<Value = (Vec<i8>, usize)> {
    let of = move |(channels, len): (usize, usize), share: f64| {
        let pick = prop::sample::select(list.clone());
        let first = list[0];
        let value = (0.0..1.0, pick).prop_map(move |(u, other)| if u < share { first } else { other });
        prop::collection::vec(value, channels * len).prop_map(move |values| (values, len))
    };
    ((1_usize..6, 1_usize..100), 0.0..1.0).prop_flat_map(move |(extents, share)| of(extents, share))
}

proptest! {
    #[test]
    fn any_weights_come_back((values, len) in drawn((0..=127).chain(-128..0).collect())) {
        let held = round_trips(&values, len);
        prop_assert!(held.contains(&Encoding::Raw) && held.contains(&Encoding::Sparse));
    }

    #[test]
    fn few_values_come_back((values, len) in prop::collection::vec(any::<i8>(), 1..40).prop_flat_map(drawn)) {
        let held = round_trips(&values, len);
        prop_assert!(held.iter().any(|encoding| matches!(encoding, Encoding::Palette(_))));
    }

    #[test]
    fn ternary_and_binary_weights_come_back((values, len) in drawn(vec![0, -93, 93])) {
        prop_assert!(round_trips(&values, len).contains(&Encoding::Ternary));
    }

    #[test]
    fn small_weights_come_back((values, len) in drawn((-8..=7).collect())) {
        let held = round_trips(&values, len);
        prop_assert!(held.contains(&Encoding::Int4) && held.contains(&Encoding::Blocks));
    }

    #[test]
    fn blocks_with_a_factor_come_back((quotients, len) in drawn((-8..=7).collect()), seed in 0_usize..15) {
        let factor = |at: usize| ((at % len / 32 + at / len + seed) % 15 + 1) as i8;
        let values: Vec<i8> = quotients.iter().enumerate().map(|(at, quotient)| quotient * factor(at)).collect();
        prop_assert!(round_trips(&values, len).contains(&Encoding::Blocks));
    }

    #[test]
    fn forged_weights_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        tag in 0_u8..10,
        extents in (1_usize..5, 1_usize..70),
    ) {
        let forged: Vec<u8> = [tag].into_iter().chain(bytes).collect();
        if let Ok(weights) = Weights::new(&forged, extents.0, extents.1) {
            let _ = weights.check();
            let mut room = vec![0; weights.workspace_bytes()];
            let mut decoder = weights.decoder().unwrap();
            (0..extents.0).for_each(|_| assert_eq!(decoder.channel(&mut room).len(), extents.1));
        }
    }

    #[test]
    fn codes_are_complete_and_never_longer_than_the_limit(weights in prop::collection::vec(1_u64..1_000_000, 2..256)) {
        let lengths = code_lengths(&weights, 9);
        prop_assert!(lengths.iter().all(|length| (1..=9).contains(length)));
        prop_assert_eq!(lengths.iter().map(|length| 1 << (9 - length)).sum::<usize>(), 1 << 9);
    }
}

#[test]
fn content_decides() {
    let of = |values: &[i8]| encode(values, values.len(), Coding::Fixed).encoding;
    let cycle = |list: &[i8]| list.iter().copied().cycle().take(6000).collect::<Vec<i8>>();
    assert_eq!(of(&[5; 600]), Encoding::Palette(0));
    assert_eq!(of(&cycle(&[-3, 3])), Encoding::Palette(1));
    assert_eq!(of(&cycle(&[-1, 0, 1])), Encoding::Ternary);
    assert_eq!(of(&cycle(&(-8..8).collect::<Vec<_>>())), Encoding::Int4);
    assert_eq!(of(&cycle(&[9, 20, 100, -90, 3, 40])), Encoding::Palette(3));
    let mut blocks: Vec<i8> = (0..15).flat_map(|block| (-8..8).chain(-8..8).map(move |q: i8| q * (block + 1))).collect();
    blocks.extend_from_within(..);
    assert_eq!(of(&blocks), Encoding::Blocks);
    assert_eq!(of(&cycle(&(-128..=127).collect::<Vec<_>>())), Encoding::Raw);
    assert_eq!(encode(&[5; 600], 600, Coding::None).encoding, Encoding::Raw);
}

/// 80 % zeros and 31 other values that are as frequent as clusters of normally distributed weights: how close to the
/// order-0 entropy the codes come, tables aside. An ideal arithmetic coder would reach it.
#[test]
fn runs_come_within_two_hundredths_of_a_bit_of_the_entropy() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut uniform = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut value = || {
        if uniform() < 0.8 {
            return 0;
        }
        // A sum of uniform numbers is nearly normal.
        let level = ((0..6).map(|_| uniform()).sum::<f64>() / 6.0 * 31.0) as i8 - 15;
        if level == 0 { 127 } else { level * 8 }
    };
    let values: Vec<i8> = (0..200_000).map(|_| value()).collect();
    let census = Census::of(&values);
    assert!((20..=32).contains(&census.distinct().len()));
    let n = values.len() as f64;
    let shares = census.counts.iter().filter(|count| **count > 0).map(|count| *count as f64 / n);
    let entropy = shares.map(|share| -share * share.log2()).sum::<f64>();
    let bits = |coded: Coded| coded.bytes.len() as f64 * 8.0 / n;
    let runs = bits(entropy::runs(&values, values.len(), &census).unwrap());
    let prefix = bits(entropy::prefix(&values, values.len(), &census).unwrap());
    let sparse = bits(fixed::sparse_palette(&values, values.len(), &census).unwrap());
    println!("bits a weight: entropy {entropy:.4}, runs {runs:.4}, prefix {prefix:.4}, sparse palette {sparse:.4}");
    assert!(runs < entropy + 0.02, "{runs} with an entropy of {entropy}");
    assert!(runs < prefix && prefix < sparse);
}
