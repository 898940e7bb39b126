"""The description of an Arrow schema that Spark keeps in a Parquet footer, so that column comments show in DESCRIBE."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

_NAMES = {
    pa.string(): "string",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.bool_(): "boolean",
}


def spark_schema(schema: pa.Schema) -> str:
    """Return the schema as the JSON that Spark writes under `org.apache.spark.sql.parquet.row.metadata`.

    Raises TypeError for a type that Spark would refuse or distort, so that none gets into a table.
    """
    return json.dumps({"type": "struct", "fields": [_field(field) for field in schema]}, sort_keys=True)


def _field(field: pa.Field) -> dict[str, Any]:
    comment = (field.metadata or {}).get(b"comment")
    return {
        "name": field.name,
        "type": _type(field.type),
        "nullable": True,
        "metadata": {"comment": comment.decode()} if comment else {},
    }


def _type(kind: pa.DataType) -> Any:
    if kind in _NAMES:
        return _NAMES[kind]
    if pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz == "UTC":
        return "timestamp"
    if pa.types.is_list(kind):
        return {"type": "array", "elementType": _type(kind.value_type), "containsNull": True}
    if pa.types.is_struct(kind):
        return {"type": "struct", "fields": [_field(kind.field(i)) for i in range(kind.num_fields)]}
    raise TypeError(f"{kind} is no type that other engines read undistorted")
