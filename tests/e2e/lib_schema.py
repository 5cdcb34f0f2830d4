# SPDX-License-Identifier: MIT
"""What programs write as JSON, held against the schemas that are installed."""
import copy
import functools
import json

import jsonschema

import lib_ecocode

FOLDER = lib_ecocode.ROOT / "data" / "schema"


def closed(schema):
    """The schema with no room for a key that it does not name. For users there is: new keys may come."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


@functools.cache
def validator(name):
    schema = json.loads((FOLDER / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(closed(schema))


def check(value):
    """It is what its own `schema` says, and that schema names every key of it. Returns it."""
    validator(value["schema"].replace("/", ".") + ".json").validate(value)
    return value


def read(text):
    return check(lib_ecocode.strict_json(text))


def objects(value):
    """Every object in it, itself the first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from objects(part)


def assert_refused(value):
    """The schema is not so loose that it would take the value without a key, with another key or with text for a number."""
    known = validator(check(value)["schema"].replace("/", ".") + ".json")
    for number, found in enumerate(list(objects(value))):
        for key in found:
            broken = copy.deepcopy(value)
            del list(objects(broken))[number][key]
            assert not known.is_valid(broken), key
            if isinstance(found[key], (int, float)):
                broken = copy.deepcopy(value)
                list(objects(broken))[number][key] = str(found[key])
                assert not known.is_valid(broken), key
        broken = copy.deepcopy(value)
        list(objects(broken))[number]["other"] = 1
        assert not known.is_valid(broken), found.keys()
