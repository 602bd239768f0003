"""The real models on real photographs."""

from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest

from gate_integration.faces.bands import Band, Thresholds
from gate_integration.faces.decode import Pixels, decode
from gate_integration.faces.engine import SFaceEngine
from gate_integration.faces.gallery import Gallery, search_ladder
from gate_integration.faces.headers import read_header
from gate_integration.faces.opencv import cv2
from gate_integration.faces.quality import verdict
from gate_integration.faces.reasons import UnusablePicture
from gate_integration.faces.records import Engine
from gate_integration.faces.sample_pictures import gate_snapshot
from tests.faces.builders import encoded, pixels, png_header_only, unit_vectors, with_orientation

pytestmark = pytest.mark.faces

TENANT = ("tenant_1", "tenant_2", "tenant_3", "tenant_partly_seen_1", "tenant_partly_seen_2")
OTHERS = ("stranger", "carer")


def side_by_side(left: bytes, right: bytes, *, right_share: float = 1.0) -> Pixels:
    """Two gate snapshots in one picture; the right one scaled by `right_share`."""
    first, second = (decode(gate_snapshot(data)).pixels for data in (left, right))
    canvas = np.full((640, 960, 3), 127, np.uint8)
    canvas[:, :480] = first
    small = cv2.resize(second, None, fx=right_share, fy=right_share, interpolation=cv2.INTER_AREA)
    canvas[: small.shape[0], 480 : 480 + small.shape[1]] = small
    return canvas


def test_it_is_an_engine(engine: SFaceEngine) -> None:
    as_engine: Engine = engine
    assert as_engine.engine_id == "sface"
    assert len(as_engine.model_hash) == 16


@pytest.mark.parametrize("role", TENANT + OTHERS)
def test_a_face_and_its_measurements(engine: SFaceEngine, pictures: dict[str, bytes], role: str) -> None:
    (face,) = engine.analyse(pictures[role])
    header = read_header(pictures[role])
    assert header is not None
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32
    assert float(np.linalg.norm(face.embedding)) == pytest.approx(1, abs=1e-5)
    assert 9 < face.norm < 20
    assert 0.85 < face.score <= 1
    assert -0.2 < face.quality.yaw < 0.2
    assert 40 < face.quality.brightness < 220
    assert face.quality.contrast > 10
    assert face.quality.sharpness > 0
    assert ((face.landmarks >= 0) & (face.landmarks <= (header.width, header.height))).all()
    box = face.box
    assert box.x < face.landmarks[:, 0].min() <= face.landmarks[:, 0].max() < box.x + box.width


@pytest.mark.parametrize("gate", [False, True], ids=["original", "gate snapshot"])
def test_same_person_and_others(engine: SFaceEngine, pictures: dict[str, bytes], gate: bool) -> None:
    faces = {
        role: engine.analyse(gate_snapshot(data) if gate else data)[0].embedding for role, data in pictures.items()
    }
    limits = Thresholds()
    for one, other in combinations(TENANT, 2):
        assert faces[one] @ faces[other] >= limits.match_from, (one, other)
    for other in OTHERS:
        for role in (*TENANT, *OTHERS):
            if role != other:
                assert faces[role] @ faces[other] < limits.no_match_below, (role, other)


def test_an_enrolled_tenant_is_matched_and_a_stranger_is_not(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    analysis = engine.inspect(pictures["tenant_1"])
    accepted = verdict(analysis.faces, analysis.picture)
    assert accepted.ok
    assert accepted.face is not None
    assert accepted.reasons == ()
    household = Gallery([("tenant", accepted.face.embedding)])
    estate = Gallery([("tenant", accepted.face.embedding), *((f"n{i}", v) for i, v in enumerate(unit_vectors(500)))])
    bands = {}
    for role in (*TENANT, *OTHERS):
        probe = engine.probe(gate_snapshot(pictures[role]))
        assert probe.face is not None
        found = search_ladder(probe.face.embedding, [household, estate], Thresholds(), probe.reason)
        bands[role] = found.decision.band
        assert found.decision.subject in {"tenant", None}
    assert all(bands[role] is Band.MATCH for role in TENANT)
    assert all(bands[role] is Band.NO_MATCH for role in OTHERS)


def test_what_cannot_be_used_is_a_reason(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    photo = pictures["tenant_1"]
    flat = np.full((640, 480, 3), 128, np.uint8)
    expected = {
        b"not a picture at all": "not-a-picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>': "not-a-picture",
        photo[: len(photo) // 2]: "truncated",
        photo + bytes(11 * 1024 * 1024): "too-many-bytes",
        png_header_only(50_000, 50_000): "too-many-pixels",
        encoded("jpg", flat): "no-face",
        encoded("jpg", pixels(480, 640)): "no-face",
        encoded("png", np.zeros((1, 1, 3), np.uint8)): "no-face",
        encoded("png", np.zeros((2, 3000, 3), np.uint8)): "no-face",
        encoded("jpg", side_by_side(photo, pictures["stranger"])): "many-faces",
    }
    for data, code in expected.items():
        probe = engine.probe(data)
        assert probe.face is None
        assert probe.reason is not None
        assert (probe.reason.code, probe.reason.refuses) == (code, True)
        assert probe.reason.zh
    with pytest.raises(UnusablePicture, match="cut off"):
        engine.analyse(photo[: len(photo) // 2])


def test_a_face_too_small_is_counted_but_not_compared(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    canvas = np.full((640, 480, 3), 127, np.uint8)
    small = cv2.resize(decode(gate_snapshot(pictures["tenant_1"])).pixels, (72, 96), interpolation=cv2.INTER_AREA)
    canvas[200:296, 200:272] = small
    probe = engine.probe(encoded("png", canvas))
    assert probe.face is None
    assert probe.faces_seen == 1
    assert probe.reason is not None
    assert probe.reason.code == "too-small"


def test_enrolment_refuses_two_faces_and_explains(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    both = engine.inspect(encoded("jpg", side_by_side(pictures["tenant_1"], pictures["stranger"])))
    refused = verdict(both.faces, both.picture)
    assert both.detected == 2
    assert [reason.code for reason in refused.reasons] == ["two-faces"]
    dark = engine.inspect(encoded("png", np.zeros((640, 480, 3), np.uint8)))
    assert [reason.code for reason in verdict(dark.faces, dark.picture).reasons] == ["no-face", "too-dark"]


def test_a_bystander_in_the_background_does_not_disturb(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    scene = encoded("jpg", side_by_side(pictures["tenant_1"], pictures["stranger"], right_share=0.3))
    alone = engine.analyse(pictures["tenant_1"])[0]
    probe = engine.probe(scene)
    assert probe.faces_seen == 2
    assert probe.face is not None
    assert probe.face.embedding @ alone.embedding > 0.8


def test_no_more_than_the_largest_faces_are_described(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    scene = encoded("jpg", side_by_side(pictures["tenant_1"], pictures["stranger"], right_share=0.6))
    one_only = SFaceEngine(engine._models, max_faces=1)
    analysis = one_only.inspect(scene)
    assert (len(analysis.faces), analysis.detected) == (1, 2)
    assert analysis.faces[0].box.area == max(face.box.area for face in engine.analyse(scene))


def test_a_photo_on_its_side_is_turned_upright(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    upright = decode(pictures["tenant_1"]).pixels
    lying = encoded("jpg", np.ascontiguousarray(np.rot90(upright)), cv2.IMWRITE_JPEG_QUALITY, 95)
    turned = engine.inspect(with_orientation(lying, 6))
    straight = engine.analyse(pictures["tenant_1"])[0]
    assert (turned.picture.width, turned.picture.height) == (upright.shape[1], upright.shape[0])
    assert turned.faces[0].embedding @ straight.embedding > 0.95


def test_positions_are_those_of_the_original(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    """A photo of four times the size is reduced while decoding, shrunk for detection, and still told in its pixels."""
    straight = engine.analyse(pictures["tenant_1"])[0]
    large = cv2.resize(decode(pictures["tenant_1"]).pixels, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    enlarged = engine.inspect(encoded("jpg", large))
    assert (enlarged.picture.width, enlarged.picture.height) == (large.shape[1], large.shape[0])
    assert np.allclose(enlarged.faces[0].landmarks, straight.landmarks * 4, atol=16)
    assert enlarged.faces[0].embedding @ straight.embedding > 0.95


def test_threads_give_the_same_embeddings(engine: SFaceEngine, pictures: dict[str, bytes]) -> None:
    work = [gate_snapshot(pictures[role]) for role in ("tenant_1", "stranger", "carer")] * 4
    expected = [engine.analyse(data)[0].embedding for data in work]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda data: engine.analyse(data)[0].embedding, work))
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one, other)
