"""Cycles per multiply-accumulate for the device table, from published measurements.

usage: fit.py published-latency-fit.csv published-kernel-cycles.csv
Both files hold published figures, one measurement a row with its source; this script prints what the .ron files beside it hold
and how well it predicts measurements that it has not seen.

Model: cycles = CPI * (sum over kinds of instructions per MAC of that kind * MACs of that kind). Instructions per MAC come from
counting TFLM firmware in QEMU (COUNTS below); the CPI of a board and software from its published latencies. With one number
a board to fit, leaving one task out says what the model is worth.
"""
import csv, math, statistics, sys

KINDS = ("conv", "depthwise", "dense")
# MACs of the MLPerf Tiny nets and of TFLM's person detection (the VWW net with one input channel, 96x96), by kind.
MACS = {
    "KWS": {"conv": 2_368_000, "depthwise": 288_000, "dense": 768},
    "IC": {"conv": 12_500_992, "depthwise": 0, "dense": 640},
    "AD": {"conv": 0, "depthwise": 0, "dense": 264_192},
    "VWW": {"conv": 6_690_816, "depthwise": 798_336, "dense": 512},
    "PD": {"conv": 6_359_040, "depthwise": 798_336, "dense": 512},
}
# Instructions of one inference. TFLM 90b983c on Cortex-M4F, esp-tflite-micro 1.4.0 on RV32IMC, int8 registrations, -O2.
COUNTS = {
    "m4 reference": {"KWS": 43_030_267, "AD": 1_952_380, "IC": 107_402_786, "VWW": 100_251_118},
    "m4 cmsis-nn": {"KWS": 7_701_197, "AD": 582_905, "IC": 29_863_508, "VWW": 24_101_554},
    "rv32 reference": {"KWS": 45_587_600, "AD": 2_510_055, "IC": 127_067_582, "VWW": 114_100_655},
    "rv32 esp-nn": {"KWS": 25_824_117, "AD": 2_453_493, "IC": 96_408_946, "VWW": 65_255_445},
}
M0PLUS_KWS_REFERENCE = 72_037_960
TASKS = {"Tiny KWS": "KWS", "Tiny IC": "IC", "Tiny AD": "AD", "Tiny VWW": "VWW", "person_detect": "PD"}


def per_mac(counts):
    """Instructions per MAC by kind: least squares of relative errors, none negative (coordinate descent)."""
    rows = [([MACS[t][k] / n for k in KINDS], 1.0) for t, n in counts.items()]
    rate = [5.0] * len(KINDS)
    for _ in range(20_000):
        for j in range(len(KINDS)):
            top = sum(a[j] * (b - sum(a[i] * rate[i] for i in range(len(KINDS)) if i != j)) for a, b in rows)
            bottom = sum(a[j] ** 2 for a, _ in rows)
            rate[j] = max(top / bottom, 0.0)
    return dict(zip(KINDS, rate))


def predict(rate, task):
    return sum(rate[k] * MACS[task][k] for k in KINDS)


def measurements(path, board, software):
    """(task, cycles) of a board and software, the median of repeats."""
    found = {}
    for r in csv.DictReader(open(path)):
        if board in r["board"] and software(r["software"]) and r["clock_mhz"] and r["dtype"] == "int8":
            for words, task in TASKS.items():
                if words in r["model"]:
                    found.setdefault(task, []).append(float(r["latency_ms"]) * float(r["clock_mhz"]) * 1e3)
    return {t: statistics.median(v) for t, v in found.items()}


def geomean(values):
    return math.exp(statistics.mean(math.log(v) for v in values))


def main(latency_csv, kernel_csv):
    rates = {name: per_mac(counts) for name, counts in COUNTS.items()}
    print("instructions per MAC           conv  depthwise  dense   largest residual")
    for name, rate in rates.items():
        worst = max(abs(predict(rate, t) / n - 1) for t, n in COUNTS[name].items())
        print(f"  {name:24} {rate['conv']:9.2f} {rate['depthwise']:10.2f} {rate['dense']:6.2f} {worst:10.1%}")

    contains = lambda *words: lambda s: any(w in s for w in words)
    cortex = {
        "NUCLEO-L4R5ZI microTVM + CMSIS-NN": measurements(latency_csv, "L4R5ZI", contains("microTVM + CMSIS")),
        "nRF5340 DK microTVM + CMSIS-NN": measurements(latency_csv, "nRF5340", contains("microTVM + CMSIS")),
        "EK-RA6M4 tflite-micro": measurements(latency_csv, "RA6M4", contains("tflite-micro")),
    }
    cmsis = rates["m4 cmsis-nn"]
    errors, board_cpi = [], {}
    print("\nCMSIS-NN on Cortex-M4 and M33: CPI, error of each task predicted from the other tasks of its board")
    for board, rows in cortex.items():
        cpi = {t: c / predict(cmsis, t) for t, c in rows.items()}
        board_cpi[board] = geomean(cpi.values())
        left_out = {t: geomean([v for u, v in cpi.items() if u != t]) / cpi[t] - 1 for t in cpi}
        errors += [abs(e) for e in left_out.values()]
        print(f"  {board:36} CPI {board_cpi[board]:.2f}  " + "  ".join(f"{t} {e:+.0%}" for t, e in left_out.items()))
    print(f"  leave one task out: median error {statistics.median(errors):.0%}, 80th percentile {sorted(errors)[int(.8 * len(errors))]:.0%}, largest {max(errors):.0%} ({len(errors)} rows)")
    cross = []
    for board, rows in cortex.items():
        other = geomean([v for b, v in board_cpi.items() if b != board])
        cross += [abs(other * predict(cmsis, t) / c - 1) for t, c in rows.items()]
    print(f"  leave one board out: median error {statistics.median(cross):.0%}, 80th percentile {sorted(cross)[int(.8 * len(cross))]:.0%}, largest {max(cross):.0%}")
    family = geomean(board_cpi.values())
    old = {t: c / predict(cmsis, t) for t, c in measurements(latency_csv, "L4R5ZI", contains("Microcontrollers v2.3.1")).items()}
    print(f"  all three boards: CPI {family:.2f}; TFLM v2.3.1 of 2021 on L4R5ZI was slower: CPI {geomean(old.values()):.2f}")

    print("\nSTM32H743 (clock not stated, 480 MHz assumed), MCUNet models: cycles per MAC, taken as the VWW mix")
    for software, name in (("CMSIS-NN", "m4 cmsis-nn"), ("TFLM", "m4 reference")):
        seen = [float(r["latency_ms"]) * 480e3 / float(r["macs_if_given"]) for r in csv.DictReader(open(latency_csv))
                if r["board"] == "STM32H743" and r["software"].startswith(software) and r["macs_if_given"]]
        mix = predict(rates[name], "VWW") / sum(MACS["VWW"].values())
        print(f"  {software:9} {geomean(seen):.2f} (lowest {min(seen):.2f}, highest {max(seen):.2f}, {len(seen)} models)  CPI {geomean(seen) / mix:.2f}")

    print("\nEspressif, person detection: CPI by kind mix of RV32 counts")
    for board in ("ESP32", "ESP32-C3", "ESP32-S3"):
        for software, name in (("TFLM + ESP-NN", "rv32 esp-nn"), ("TFLM without ESP-NN", "rv32 reference")):
            rows = [r for r in csv.DictReader(open(latency_csv)) if r["board"] == board and r["software"] == software and "person" in r["model"]]
            for r in rows:
                cycles = float(r["latency_ms"]) * float(r["clock_mhz"]) * 1e3
                print(f"  {board:9} {software:20} {cycles / 1e6:7.1f} M cycles, {cycles / sum(MACS['PD'].values()):6.2f} a MAC, CPI {cycles / predict(rates[name], 'PD'):.2f}")
    print("\nESP32-S3, ESP-NN kernels alone (cycles per MAC)")
    for r in csv.DictReader(open(kernel_csv)):
        if r["chip"] == "ESP32-S3" and r["variant"].startswith("ESP-NN") and r["macs"]:
            print(f"  {r['op']:18} {r['shape'][:60]:60} {float(r['cpu_cycles']) / float(r['macs']):6.2f}")
        elif r["chip"] == "ESP32-S3" and r["variant"].startswith("ESP-NN"):
            print(f"  {r['op']:18} {r['shape'][:60]:60} {float(r['cpu_cycles']):9.0f} cycles")

    print("\nCortex-M0+, reference kernels: instructions per MAC, scaled from the M4's by KWS")
    scale = M0PLUS_KWS_REFERENCE / COUNTS["m4 reference"]["KWS"]
    print("  " + "  ".join(f"{k} {v * scale:.1f}" for k, v in rates["m4 reference"].items()))

    print("\nactive power, mW: energy / latency of published runs (any software)")
    for board in ("L4R5", "H7A3"):
        power = sorted(float(r["energy_uj"]) / float(r["latency_ms"]) for r in csv.DictReader(open(latency_csv))
                       if board in r["board"] and r["energy_uj"] and r["latency_ms"] and float(r["latency_ms"]) > 0)
        print(f"  {board}: median {statistics.median(power):.0f}, 10th percentile {power[len(power) // 10]:.0f}, 90th {power[len(power) * 9 // 10]:.0f} ({len(power)} rows)")
    print("\nfloat32, cycles per MAC")
    for r in csv.DictReader(open(latency_csv)):
        if r["dtype"].startswith("float") and r["macs_computed"] and r["clock_mhz"]:
            print(f"  {r['board'][:28]:28} {r['software'][:44]:44} {r['model'][:20]:20} {float(r['latency_ms']) * float(r['clock_mhz']) * 1e3 / float(r['macs_computed']):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
