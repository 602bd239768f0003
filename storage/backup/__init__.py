"""Backups of database and objects together, their verification, restore and drill."""
