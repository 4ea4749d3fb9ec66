"""The cases of `tflite_export`."""

import tempfile

import numpy as np
from argument_cases import add, cached
from backend_cases import normal

from keras_bp.layers import QuantizedFIR
from keras_bp.ops import FixedPoint
from tflite_export import ChainSpec, FIRSpec, KerrSpec, export, litert

FORM = FixedPoint(8, 6)
TAPS = np.array([3, -5, 3]).reshape(3, 1, 1)
SIGNAL = np.array([[[5], [0], [-7], [1]]])


@cached
def fir():
    return FIRSpec(TAPS, FixedPoint(4, 0), FORM, FORM, "causal", complex=False)


@cached
def chain():
    return ChainSpec([fir()], 1)


def kerr_arguments():
    signal, power = FixedPoint(10, 7), FixedPoint(10, 5, signed=False)
    phase = FixedPoint(10, 10, signed=False)
    return dict(
        coefficients=np.array([256]),
        signal_format=signal,
        power_format=power,
        coefficient_format=phase,
        phase_format=phase,
        rotation_format=FixedPoint(10, 8),
        output_format=signal,
    )


@cached
def kerr():
    return KerrSpec(**kerr_arguments())


@cached
def model():
    return litert.to_flatbuffer(chain(), time=4)


@cached
def samples_model():
    return litert.to_flatbuffer(chain(), profile="int8", time=4)


@cached
def stream_model():
    return litert.to_flatbuffer(chain(), time=2, streaming=True)


@cached
def layer():
    made = QuantizedFIR(1, 3, complex=False, padding="causal")
    made.build((None, 4, 1))
    return made


@cached
def folder():
    """An exported filter, in a folder that stays as long as the tests run."""
    made = tempfile.TemporaryDirectory()
    export(layer(), made.name, "vectors", time=4)
    return made


def add_specs():
    here = "tflite_export."
    add(
        here + "FIRSpec",
        lambda: dict(
            taps=TAPS,
            tap_format=FixedPoint(4, 0),
            signal_format=FORM,
            output_format=FORM,
            padding="causal",
            complex=False,
        ),
        then=lambda found: [found.run(SIGNAL), round_trip(found)],
    )
    add(
        here + "RoundSpec",
        lambda: dict(signal_format=FORM, output_format=FixedPoint(6, 2)),
        then=lambda found: [found.run(SIGNAL), round_trip(found)],
    )
    add(
        here + "KerrSpec",
        kerr_arguments,
        then=lambda found: [
            found.run(np.array([[[128, 0]]])),
            round_trip(found),
        ],
    )
    add(
        here + "ChainSpec",
        lambda: dict(stages=(fir(),), channels=1),
        then=lambda found: [found.run(SIGNAL), round_trip(found)],
    )
    add(
        here + "Stream",
        lambda: dict(chain=chain()),
        then=lambda found: found.process(SIGNAL),
    )
    add(
        here + "load_manifest",
        lambda: dict(out_dir=folder().name),
        accepts=(OSError,),
        then=lambda found: None,
    )
    add(
        here + "export",
        lambda: dict(
            layer=layer(),
            out_dir=tempfile.mkdtemp(dir=folder().name),
            targets="vectors",
            time=4,
        ),
        accepts=(OSError,),
        then=lambda found: None,
    )
    here = "tflite_export.vectors."
    add(here + "draw", lambda: dict(chain=chain(), time=4))
    add(here + "as_text", lambda: dict(signal=SIGNAL), data=("signal",))
    add(here + "from_text", lambda: dict(data=b"1 2\n3 4\n"))

    def targets():
        return dict(chain=chain(), name="filter", batch=1, time=4)

    for room in ("vectors", "c", "litert", "verilog"):
        add(
            f"tflite_export.{room}.target_files",
            targets,
            then=lambda found: None,
            # Of some rooms they do not count.
            free=("batch", "time"),
        )


def round_trip(spec):
    assert type(spec).from_config(spec.get_config()) == spec


def add_reference():
    here = "tflite_export.reference."
    add(
        here + "fir",
        lambda: dict(
            signal=SIGNAL,
            taps=TAPS,
            output=FORM,
            shift=1,
            padding="causal",
            strides=1,
            complex=False,
        ),
        data=("signal", "taps"),
    )
    value = np.array([-9, 7, 8])
    add(
        here + "handle_overflow",
        lambda: dict(value=value, fixed_point=FixedPoint(4, 0)),
        data=("value",),
    )
    turned = np.array([[[128, 0], [3, 4]]])
    for name in ("kerr", "kerr_power"):
        add(
            here + name,
            lambda: dict(signal=turned, spec=kerr()),
            data=("signal",),
        )
    add(
        here + "kerr_turn",
        lambda: dict(
            signal=turned, weighted=np.array([[[5], [6]]]), spec=kerr()
        ),
        data=("signal", "weighted"),
    )
    add(
        here + "phasor", lambda: dict(theta=value, spec=kerr()), data=("theta",)
    )
    add(
        here + "quantize",
        lambda: dict(x=normal(4), fixed_point=FORM, step_exponent=-2),
        data=("x",),
    )
    add(
        here + "real_kernel",
        lambda: dict(taps=np.ones((3, 1, 1, 2), "int64")),
        data=("taps",),
    )
    add(
        here + "round_shift",
        lambda: dict(acc=value, shift=2, rounding="nearest"),
        data=("acc",),
    )
    add(
        here + "round_to",
        lambda: dict(exact=value, fraction_bits=3, fixed_point=FORM),
        data=("exact",),
    )


def add_litert():
    here = "tflite_export.litert."

    def given():
        return dict(model=model(), signal=SIGNAL)

    add(
        here + "Session",
        lambda: dict(model=stream_model()),
        then=lambda found: found.process(SIGNAL),
        accepts=(OSError,),
    )
    add(
        here + "model_of_fast",
        lambda: dict(chain=chain()),
        then=lambda found: found(SIGNAL),
    )
    add(
        here + "model_of_int8",
        lambda: dict(chain=chain()),
        then=lambda found: found(SIGNAL),
    )
    add(
        here + "prepare",
        given,
        data=("signal",),
        accepts=(OSError,),
        then=lambda found: found(),
    )
    add(here + "run", given, data=("signal",), accepts=(OSError,))
    add(
        here + "run_samples",
        lambda: dict(model=samples_model(), samples=0.1 * SIGNAL),
        data=("samples",),
        accepts=(OSError,),
    )
    add(
        here + "snr",
        lambda: dict(given(), chain=chain()),
        data=("signal",),
        accepts=(OSError,),
        infinite=True,
    )
    add(
        here + "to_flatbuffer",
        lambda: dict(chain=chain(), time=4),
        free=("description",),
    )
    add(here + "versions")


def add_texts():
    here = "tflite_export.c."
    add(here + "describe", lambda: dict(chain=chain()))
    add(
        here + "extend_signal",
        lambda: dict(chain=chain(), signal=SIGNAL),
        data=("signal",),
        then=lambda found: found[0],
    )
    add(here + "to_header", lambda: dict(chain=chain()))
    here = "tflite_export.verilog."
    add(
        here + "to_verilog",
        lambda: dict(chain=chain()),
        then=lambda found: found.counts,
    )
    here = "tflite_export.cost."
    add(
        here + "operations",
        lambda: dict(chain=chain()),
        then=lambda found: found.total,
    )
    add(
        here + "split_steps",
        lambda: dict(chain=chain()),
        then=lambda found: None,
    )


add_specs()
add_reference()
add_litert()
add_texts()
