"""Writes Tests/Fixtures/formats/events.bin: a TensorBoard event file as the `tensorboard` package makes it.

One event of each kind that Potstill writes, at fixed times: the version, the beginning of a session, scalars (one of them
0, one not finite, tags beyond ASCII and numbers of several bytes), and a text.
"""

from pathlib import Path

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

FIXTURES = Path(__file__).resolve().parent.parent / "Fixtures" / "formats"


def scalar(tag, value):
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def text(tag, content):
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
    return summary_pb2.Summary.Value(
        tag=tag, metadata=summary_pb2.SummaryMetadata(plugin_data=plugin),
        tensor=tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[content.encode()], tensor_shape=shape))


def main():
    events = [
        event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2"),
        event_pb2.Event(
            wall_time=1700000001.5, step=8, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
        event_pb2.Event(
            wall_time=1700000002.125, step=300,
            summary=summary_pb2.Summary(value=[
                scalar("train/loss", 0.6931471805599453), scalar("train/learning_rate", 5e-5), scalar("train/模型", 0.0),
                scalar("eval/loss", float("inf"))])),
        event_pb2.Event(
            wall_time=1700000003.0, step=70_000,
            summary=summary_pb2.Summary(value=[text("recipe", "```\nlearning_rate: 5e-05\n" + "# …\n" * 40 + "```")])),
    ]
    with open(FIXTURES / "events.bin", "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
