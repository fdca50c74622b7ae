"""AWS's SAM translator, in a process of its own: `python -m globule.cloudformation.sam_process`.

Each line of standard input is a job, `{"template": ..., "parameters": ..., "region": ...}`; each line of standard
output its outcome, `{"template": ...}` or `{"errors": [sentence, ...]}`. The translator is apart because it keeps the
region in module-level caches, changes what it is given, prints, and takes a second and 66 MB to import.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from boto3 import Session
from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator import arn_generator
from samtranslator.translator.translator import Translator


def translate(job: dict[str, Any]) -> dict[str, Any]:
    """What becomes of one template. A template that the translator chokes on ends the process with a traceback."""
    arn_generator._get_region_from_session.cache_clear()
    arn_generator._region_to_partition.cache_clear()
    translator = Translator(None, Parser(), boto_session=Session(region_name=job["region"]))
    try:
        translated = translator.translate(
            job["template"],
            parameter_values=job["parameters"],
            passthrough_metadata=True,
            get_managed_policy_map=dict,  # the translator's own map comes first; nothing is asked of IAM
        )
    except InvalidDocumentException as error:
        return {"errors": [cause.message for cause in error.causes]}
    except ExceptionWithMessage as error:
        return {"errors": [error.message]}
    return {"template": translated}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the translator prints; only answers may be on standard output
    for line in sys.stdin:
        answers.write(json.dumps(translate(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
