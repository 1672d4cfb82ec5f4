"""A release every month. A task that fails or is stopped is tried again by the same line, and goes on."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("replicant_release", schedule="@monthly", start_date=datetime(2026, 1, 1), max_active_runs=1):
    BashOperator(
        task_id="release",
        bash_command="replicant run /etc/replicant/survey.yaml --set output.path=/srv/replicant/output/{{ ds }}",
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
