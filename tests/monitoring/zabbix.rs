//! The Zabbix template.
